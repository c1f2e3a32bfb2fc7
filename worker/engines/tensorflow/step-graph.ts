import type { Variable } from '../../../src/mlp/graph.ts'
import {
  type ComputeOperation,
  isUpdate,
  type Operation,
  operandsOf,
  type UpdateOperation,
  type Value,
} from '../../../src/mlp/operations.ts'
import { emitOperation, type Part } from './emit-operation.ts'
import { emitUpdate } from './emit-update.ts'
import { attr, type GraphDef } from './graph-def.ts'

/** The nodes that values became, by value id. */
export type Names = Map<number, string>

/** A part of a step's examples, and the nodes of the values that are its own. */
export interface WrittenPart extends Part {
  names: Names
}

/**
 * Follows the variables of a session through the steps of a call, so that every reader gets the value of its place
 * in the program and every change waits for the readers of the old value, and for nothing else: the next step's
 * first layer may begin while this one's last is being changed.
 */
export class VariableTracker {
  readonly #graph: GraphDef
  readonly #handles: ReadonlyMap<number, string>
  /** The present value of a variable that was read since its last change. */
  readonly #reads: Names = new Map()
  readonly #readers = new Map<number, string[]>()
  readonly #writers: Names = new Map()

  constructor(graph: GraphDef, variables: readonly Variable[], handleOf: (name: string) => string) {
    this.#graph = graph
    this.#handles = new Map(variables.map(({ name, value }) => [value.id, handleOf(name)]))
  }

  has(value: Value): boolean {
    return this.#handles.has(value.id)
  }

  /** The value as it is now. */
  read(value: Value): string {
    const known = this.#reads.get(value.id)
    if (known !== undefined) return known
    const writer = this.#writers.get(value.id)
    const node = this.#graph.read(this.handle(value), 'DT_FLOAT', writer === undefined ? [] : [writer])
    this.#reads.set(value.id, node)
    return node
  }

  handle(value: Value): string {
    const handle = this.#handles.get(value.id)
    if (handle === undefined) throw new Error(`value ${value.id} is no variable`)
    return handle
  }

  /** Notes that a node uses what was read of its operands. */
  noteReader(operation: Operation, node: string): void {
    for (const value of operandsOf(operation)) {
      if (!this.has(value)) continue
      this.#readers.set(value.id, [...(this.#readers.get(value.id) ?? []), node])
    }
  }

  /** Writes an update behind all that it must wait for. */
  write(operation: UpdateOperation, nameOf: (value: Value) => string): void {
    const changed = operandsOf(operation).filter(
      value => this.has(value) && !(operation.kind === 'assign' && value === operation.x),
    )
    const after = changed.flatMap(({ id }) => {
      const writer = this.#writers.get(id)
      return [...(this.#readers.get(id) ?? []), ...(writer === undefined ? [] : [writer])]
    })
    const name = (value: Value) => (changed.includes(value) ? this.handle(value) : nameOf(value))
    const node = emitUpdate(this.#graph, operation, name, [...new Set(after)])
    for (const { id } of changed) {
      this.#writers.set(id, node)
      this.#reads.delete(id)
      this.#readers.delete(id)
    }
  }

  /** The last changes: when these have run, all have. */
  get done(): string[] {
    return [...new Set(this.#writers.values())]
  }
}

/**
 * Writes operations for the parts of a step side by side. What does not depend on examples is written once; a
 * `total` joins the parts in fixed order, so that the result does not depend on which thread was first.
 * @param shared - nodes of what all parts have in common; new ones are added
 */
export function writeParts(
  graph: GraphDef,
  operations: readonly ComputeOperation[],
  parts: readonly WrittenPart[],
  shared: Names,
  variables: VariableTracker,
): void {
  const isShared = (value: Value) => shared.has(value.id) || variables.has(value)
  for (const operation of operations) {
    const operands = operandsOf(operation)
    const joins = operation.kind !== 'dropoutMask' && operands.every(isShared)
    if (operation.kind === 'total') {
      const terms = joins
        ? [nameIn(operation.x, shared, variables)]
        : parts.map(({ names }) => nameIn(operation.x, names))
      shared.set(operation.output.id, addAll(graph, terms))
      continue
    }
    for (const part of parts) {
      const names = joins ? shared : part.names
      const nameOf = (value: Value) =>
        isShared(value) ? nameIn(value, shared, variables) : nameIn(value, names)
      const node = emitOperation(graph, operation, nameOf, part)
      names.set(operation.output.id, node)
      if (operation.kind === 'softmaxCrossEntropy') names.set(operation.outputGradient.id, `${node}:1`)
      variables.noteReader(operation, node)
      if (joins) break
    }
  }
}

/** Writes the changes of a step, in the order of the program. */
export function writeUpdate(
  graph: GraphDef,
  operations: readonly Operation[],
  shared: Names,
  variables: VariableTracker,
  seed: number,
): void {
  const nameOf = (value: Value) => nameIn(value, shared, variables)
  const part = { begin: '', count: '', seed } // nothing here depends on examples
  for (const operation of operations) {
    if (isUpdate(operation)) variables.write(operation, nameOf)
    else writeParts(graph, [operation], [{ ...part, names: shared }], shared, variables)
  }
}

/** The node of a value. */
export function nameIn(value: Value, names: Names, variables?: VariableTracker): string {
  if (variables?.has(value)) return variables.read(value)
  const name = names.get(value.id)
  if (name === undefined) throw new Error(`value ${value.id} is read before it is made`)
  return name
}

function addAll(graph: GraphDef, terms: readonly string[]): string {
  const [only] = terms
  if (terms.length === 1 && only !== undefined) return only
  return graph.node('AddN', terms, { N: attr.int(terms.length), T: attr.type('DT_FLOAT') })
}
