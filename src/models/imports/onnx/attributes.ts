import { ATTRIBUTE, type OnnxAttribute, type OnnxNode } from '../../onnx/messages.ts'
import { quote } from '../parse-json.ts'
import { refuse } from '../refuse.ts'
import { describe } from './constants.ts'

/** The attributes of an operator. Those that nobody asked for are refused: nothing is passed over. */
export class Attributes {
  readonly #node: OnnxNode
  readonly #unread: Map<string, OnnxAttribute>

  constructor(node: OnnxNode) {
    this.#node = node
    this.#unread = new Map(node.attribute.map(attribute => [attribute.name ?? '', attribute]))
  }

  float(name: string, otherwise: number): number {
    const found = this.#take(name)
    return found ? (found.f ?? 0) : otherwise
  }

  int(name: string, otherwise: number): number {
    const found = this.#take(name)
    return found ? (found.i ?? 0) : otherwise
  }

  text(name: string, otherwise: string): string {
    const found = this.#take(name)
    return found ? Buffer.from(found.s ?? []).toString('utf8') : otherwise
  }

  /** Requires one of some values. */
  only(name: string, received: number | string, ...allowed: readonly (number | string)[]): void {
    const isNear = (one: number | string) =>
      typeof one === 'number' && typeof received === 'number'
        ? Math.abs(one - received) <= 1e-6
        : one === received
    if (allowed.some(isNear)) return
    throw refuse(
      `${describe(this.#node)}: ${name} must be ${allowed.join(' or ')}; received ${quote(received)}`,
    )
  }

  /** @throws {AppError} MODEL_FILE_INVALID when there are attributes that nobody asked for */
  end(): void {
    const [unread] = this.#unread.keys()
    if (unread !== undefined)
      throw refuse(`${describe(this.#node)}: the attribute ${quote(unread)} is not taken`)
  }

  #take(name: string): OnnxAttribute | undefined {
    const found = this.#unread.get(name)
    this.#unread.delete(name)
    if (found && found.type !== undefined && !TAKEN.has(found.type)) {
      throw refuse(`${describe(this.#node)}: the attribute ${quote(name)} must be a number or a text`)
    }
    return found
  }
}

const TAKEN: ReadonlySet<number> = new Set([ATTRIBUTE.float, ATTRIBUTE.int, ATTRIBUTE.string])
