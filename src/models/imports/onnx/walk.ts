import type { OnnxGraph, OnnxNode } from '../../onnx/messages.ts'
import { quote } from '../parse-json.ts'
import { refuse } from '../refuse.ts'
import { Attributes } from './attributes.ts'
import { Chain } from './chain.ts'
import { type Constants, describe } from './constants.ts'
import { type Branch, type Join, nameJoin } from './joins.ts'
import { OPERATORS } from './operators.ts'

/** Whether operators of a domain are those of ONNX itself. */
export function isStandard(domain: string): boolean {
  return domain === '' || domain === 'ai.onnx'
}

/** Follows what becomes of the input, operator by operator; each is met once. */
export class Walk {
  readonly #waiting: Set<OnnxNode>
  readonly #constants: Constants

  constructor({ node }: OnnxGraph, constants: Constants) {
    this.#waiting = new Set(node.filter(({ opType }) => opType !== 'Constant'))
    this.#constants = constants
    for (const { domain = '', opType } of node) {
      if (isStandard(domain)) continue
      throw refuse(`operators must be those of ONNX itself; received ${quote(`${domain}.${opType}`)}`)
    }
  }

  /** @throws {AppError} MODEL_FILE_INVALID unless all operators lead from the input to the output */
  follow(chain: Chain, input: string, output: string): void {
    let value = input
    while (value !== output) value = this.#step(chain, value)
    const [left] = this.#waiting
    if (!left) return
    throw refuse(`every operator must stand between the input and the output; ${describe(left)} does not`)
  }

  /** @returns the next value */
  #step(chain: Chain, value: string): string {
    const readers = this.#readersOf(value)
    const [reader, second, third] = readers
    if (!reader) throw refuse(`an operator must take ${quote(value)}, or it must be the output`)
    if (!second) {
      this.#take(chain, reader, value)
      return outputOf(reader)
    }
    const join = third ? null : this.#findJoin(chain, value, [reader, second])
    if (join) return this.#takeJoin(chain, join)
    throw refuse(`one operator must take ${quote(value)}; received ${readers.map(describe).join(', ')}`)
  }

  #readersOf(value: string): OnnxNode[] {
    return [...this.#waiting].filter(({ input }) => input.includes(value))
  }

  #take(chain: Chain, node: OnnxNode, value: string): void {
    const { opType = '' } = node
    const add = Object.hasOwn(OPERATORS, opType) ? OPERATORS[opType] : undefined
    if (!add)
      throw refuse(`operators must be ${Object.keys(OPERATORS).join(', ')}; received ${quote(opType)}`)
    const attributes = new Attributes(node)
    const place = node.input.indexOf(value)
    if (node.input.lastIndexOf(value) !== place) throw refuse(`${describe(node)} must take its input once`)
    add({ node, place, constants: this.#constants, attributes, chain })
    attributes.end()
    this.#waiting.delete(node)
  }

  /** Two ways from a value to one operator, if that is something we have. */
  #findJoin(chain: Chain, value: string, readers: readonly [OnnxNode, OnnxNode]): Join | null {
    const branches = readers.map(reader => this.#readBranch(chain, value, reader))
    const [first, second] = branches
    return first && second && first.meets === second.meets ? nameJoin(value, first, second) : null
  }

  /** Follows one way until an operator takes a second value that is not known. */
  #readBranch(chain: Chain, value: string, reader: OnnxNode): Branch | null {
    const branch: Branch = { functions: [], nodes: [], end: value, meets: reader }
    for (;;) {
      const { meets } = branch
      if (branch.nodes.includes(meets)) return null // a ring
      if (meets.input.filter(name => name !== '' && !this.#constants.has(name)).length > 1) return branch
      if (meets.opType === 'Erf' || meets.opType === 'Sigmoid') branch.functions.push(meets.opType)
      else {
        const affine = this.#readScalars(chain, meets, branch.end)
        if (!affine) return null
        branch.functions.push(affine)
      }
      branch.nodes.push(meets)
      branch.end = outputOf(meets)
      const [next, another] = this.#readersOf(branch.end)
      if (!next || another) return null
      branch.meets = next
    }
  }

  /** What an operator does, where that is x · scale + shift with one number each. */
  #readScalars(chain: Chain, node: OnnxNode, value: string): { scale: number; shift: number } | null {
    if (!['Add', 'Sub', 'Mul', 'Div', 'Cast', 'Identity'].includes(node.opType ?? '')) return null
    const side = new Chain(chain.shape)
    this.#take(side, node, value)
    this.#waiting.add(node) // as long as it is not sure what this is
    const [step = { kind: 'affine', scale: [1], shift: [0] }] = side.end()
    if (step.kind !== 'affine' || step.scale.length > 1 || step.shift.length > 1) return null
    return { scale: step.scale[0] ?? 1, shift: step.shift[0] ?? 0 }
  }

  #takeJoin(chain: Chain, { kind, node, nodes }: Join): string {
    for (const one of [...nodes, node]) this.#waiting.delete(one)
    const of = describe(node)
    const value = outputOf(node)
    if (kind === 'complement') {
      if (chain.unitsFor(of) !== 1) throw refuse(`${of} must have the probabilities of two classes`)
      chain.complement(of)
      return value
    }
    chain.activation(of, kind === 'silu' ? 'silu' : 'gelu')
    return kind === 'doubleGelu' ? this.#takeHalf(chain, value) : value
  }

  /** The half of 0.5 · z · (1 + erf(z / √2)), where it stands at the end. */
  #takeHalf(chain: Chain, value: string): string {
    const [node, another] = this.#readersOf(value)
    const half = node && !another ? this.#readScalars(chain, node, value) : null
    if (!node || half?.scale !== 0.5 || half.shift !== 0)
      throw refuse('z · (1 + erf(z / √2)) must be halved, as in gelu')
    this.#waiting.delete(node)
    return outputOf(node)
  }
}

function outputOf({ output, opType }: OnnxNode): string {
  const [name, ...others] = output
  if (name && others.every(other => other === '')) return name
  throw refuse(`${opType} must have one output; received ${quote(output)}`)
}
