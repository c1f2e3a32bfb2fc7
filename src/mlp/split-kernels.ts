import { copyColumns } from './copy-columns.ts'
import { unitsOf, type Variable } from './graph.ts'
import {
  type ComputeOperation,
  isUpdate,
  type Operation,
  operandsOf,
  type UpdateOperation,
  type Value,
} from './operations.ts'
import type { Program } from './program.ts'

type State = ReadonlyMap<string, Float32Array>

/** A program that computes the same as another, with its large kernels in groups of columns. */
export interface SplitProgram {
  program: Program
  /** The variables of the whole program as those of this one, by name. */
  split(state: State): State
  /** And back. */
  join(state: State): State
}

/** The fewest numbers of a kernel that is cut: smaller ones change faster than another thread begins to help. */
const NUMBERS_MIN = 32_768
/** The fewest columns of a group: one instruction of a matrix product works on as many. */
const COLUMNS_MIN = 16

/**
 * Cuts large kernels, their slots and their gradients into groups of columns. The sum of a gradient over the parts of
 * a step, and what the optimizer makes of it, are then as many operations as groups, which threads share; of a whole
 * kernel they are the end of a step, when one thread works and the others wait. Cut is what nobody needs whole: the
 * kernel is only multiplied, and its gradient goes straight into one fused update.
 * @param groups - as many as there are threads
 * @see Shazeer et al. (2018), "Mesh-TensorFlow: deep learning for supercomputers", section 3, for splitting by columns
 */
export function splitKernels(program: Program, groups: number): SplitProgram {
  const cuts = groups > 1 ? findCuts(program, groups) : []
  const rewriter = new Rewriter(program.valueCount)
  for (const cut of cuts) for (const value of valuesOf(cut)) rewriter.cut(value, groups)
  const { training, update, inference, evaluation } = program
  const rewrite = <T extends { operations: readonly ComputeOperation[] }>(part: T): T => ({
    ...part,
    operations: rewriter.rewrite(part.operations),
  })
  const variables = program.variables.flatMap(variable => piecesOfVariable(variable, rewriter))
  return {
    program: {
      ...program,
      variables,
      training: {
        ...rewrite(training),
        gradients: training.gradients.filter(({ gradient }) => !rewriter.piecesOf(gradient)),
      },
      update: update.flatMap(operation => rewriter.rewriteUpdate(operation)),
      inference: rewrite(inference),
      evaluation: rewrite(evaluation),
      valueCount: rewriter.valueCount,
    },
    split: state => new Map(program.variables.flatMap(variable => splitColumns(variable, state, rewriter))),
    join: state => new Map(program.variables.map(variable => joinColumns(variable, state, rewriter))),
  }
}

/** ∂L/∂kernel = Σ `partial` over the parts of a step, which is all that `update` needs. */
interface Cut {
  kernel: Value
  partial: Value
  gradient: Value
  update: Exclude<UpdateOperation, { kind: 'assign' }>
}

function findCuts(program: Program, groups: number): Cut[] {
  const { training, update, inference, evaluation } = program
  const operations = [
    ...training.operations,
    ...update,
    ...inference.operations,
    ...evaluation.operations,
  ] as const
  const usersOf = (value: Value) => operations.filter(operation => operandsOf(operation).includes(value))
  const makerOf = (value: Value) =>
    training.operations.find(operation => 'output' in operation && operation.output === value)

  return update.flatMap(operation => {
    if (!isUpdate(operation) || operation.kind === 'assign' || !isLarge(operation.variable, groups)) return []
    const { variable: kernel, gradient } = operation
    const total = makerOf(gradient)
    if (total?.kind !== 'total') return []
    const cut: Cut = { kernel, partial: total.x, gradient, update: operation }
    const isOnlyMultiplied = usersOf(kernel).every(
      user => user === operation || (user.kind === 'matMul' && user.b === kernel && user.a !== kernel),
    )
    const isUsedOnce = valuesOf(cut).every(value => value === kernel || usersOf(value).length === 1)
    const product = makerOf(cut.partial)
    const isProduct = product?.kind === 'matMul' && product.transposeA && !product.transposeB
    return isOnlyMultiplied && isUsedOnce && isProduct ? [cut] : []
  })
}

function isLarge({ shape: [rows = 0, columns = 0] }: Value, groups: number): boolean {
  return Number(rows) * Number(columns) >= NUMBERS_MIN && Number(columns) >= groups * COLUMNS_MIN
}

/** All that has the kernel's shape. */
function valuesOf({ partial, update }: Cut): Value[] {
  return [partial, ...operandsOf(update).filter(({ shape }) => shape.length === 2)]
}

/** Columns of a value, and the value that they became. */
interface Piece {
  from: number
  value: Value
}

class Rewriter {
  readonly #pieces = new Map<number, readonly Piece[]>()
  valueCount: number

  constructor(valueCount: number) {
    this.valueCount = valueCount
  }

  piecesOf({ id }: Value): readonly Piece[] | null {
    return this.#pieces.get(id) ?? null
  }

  /** Columns are given out evenly, what is left over to the first groups. */
  cut(value: Value, groups: number): void {
    const columns = unitsOf(value)
    const pieces = Array.from({ length: groups }, (_, group) => {
      const [from, to] = [group, group + 1].map(index => Math.ceil((index * columns) / groups))
      return { from: from ?? 0, value: this.#value([value.shape[0] ?? 0, (to ?? 0) - (from ?? 0)]) }
    })
    this.#pieces.set(value.id, pieces)
  }

  rewrite(operations: readonly ComputeOperation[]): ComputeOperation[] {
    const rewritten: ComputeOperation[] = []
    for (const operation of operations) this.#write(rewritten, operation)
    return rewritten
  }

  rewriteUpdate(operation: Operation): Operation[] {
    const pieces = isUpdate(operation) && this.piecesOf(operation.variable)
    if (!pieces) return [operation]
    return pieces.map((_, index) => {
      const fields = Object.entries(operation).map(([name, field]) => {
        const own = typeof field === 'object' ? this.piecesOf(field as Value) : null
        return [name, own ? own[index]?.value : field]
      })
      return Object.fromEntries(fields) as UpdateOperation
    })
  }

  #write(into: ComputeOperation[], operation: ComputeOperation): void {
    if (operation.kind === 'total') {
      const [from, to] = [this.piecesOf(operation.x), this.piecesOf(operation.output)]
      if (!from || !to) return void into.push(operation)
      for (const [index, { value }] of to.entries()) {
        const x = from[index]?.value
        if (x) into.push({ kind: 'total', x, output: value })
      }
    } else if (operation.kind !== 'matMul') {
      into.push(operation)
    } else {
      this.#writeProduct(into, operation)
    }
  }

  #writeProduct(into: ComputeOperation[], product: Extract<ComputeOperation, { kind: 'matMul' }>): void {
    const { a, b, transposeB, output } = product
    const ofKernel = this.piecesOf(b)
    const toGradient = this.piecesOf(output)
    if (toGradient) {
      for (const { from, value } of toGradient) {
        into.push({ ...product, b: this.#take(into, b, from, unitsOf(value)), output: value })
      }
    } else if (ofKernel && transposeB) {
      const terms = ofKernel.map(({ from, value }) => {
        const term = this.#value(output.shape)
        into.push({ ...product, a: this.#take(into, a, from, unitsOf(value)), b: value, output: term })
        return term
      })
      this.#writeSum(into, terms, output)
    } else if (ofKernel) {
      const parts = ofKernel.map(({ value }) => {
        const part = this.#value([output.shape[0] ?? 0, unitsOf(value)])
        into.push({ ...product, b: value, output: part })
        return part
      })
      into.push({ kind: 'joinUnits', parts, output })
    } else {
      into.push(product)
    }
  }

  /** Columns of a value, which are taken once where they are needed twice. */
  #take(into: ComputeOperation[], x: Value, from: number, units: number): Value {
    const known = into.find(
      operation =>
        operation.kind === 'takeUnits' &&
        operation.x === x &&
        operation.from === from &&
        unitsOf(operation.output) === units,
    )
    if (known?.kind === 'takeUnits') return known.output
    const output = this.#value([x.shape[0] ?? 0, units])
    into.push({ kind: 'takeUnits', x, from, output })
    return output
  }

  #writeSum(into: ComputeOperation[], [first, ...rest]: Value[], output: Value): void {
    let sum = first
    for (const [index, term] of rest.entries()) {
      const next = index === rest.length - 1 ? output : this.#value(output.shape)
      if (sum) into.push({ kind: 'add', a: sum, b: term, output: next })
      sum = next
    }
  }

  #value(shape: Value['shape']): Value {
    return { id: this.valueCount++, shape, dtype: 'float32' }
  }
}

const nameOfPiece = (name: string, index: number) => `${name}/columns_${index}`

function piecesOfVariable(variable: Variable, rewriter: Rewriter): Variable[] {
  const pieces = rewriter.piecesOf(variable.value)
  if (!pieces) return [variable]
  return pieces.map(({ value, from }, index) => ({
    ...variable,
    name: nameOfPiece(variable.name, index),
    value,
    shape: value.shape.map(Number),
    initialize: random =>
      takeColumns(variable.initialize(random), unitsOf(variable.value), from, unitsOf(value)),
  }))
}

function splitColumns({ name, value }: Variable, state: State, rewriter: Rewriter): [string, Float32Array][] {
  const whole = state.get(name) ?? new Float32Array()
  const pieces = rewriter.piecesOf(value)
  if (!pieces) return [[name, whole]]
  return pieces.map((piece, index) => [
    nameOfPiece(name, index),
    takeColumns(whole, unitsOf(value), piece.from, unitsOf(piece.value)),
  ])
}

function joinColumns({ name, value }: Variable, state: State, rewriter: Rewriter): [string, Float32Array] {
  const pieces = rewriter.piecesOf(value)
  if (!pieces) return [name, state.get(name) ?? new Float32Array()]
  const columns = unitsOf(value)
  const whole = new Float32Array(Number(value.shape[0]) * columns)
  for (const [index, { value, from }] of pieces.entries()) {
    const numbers = state.get(nameOfPiece(name, index)) ?? new Float32Array()
    copyColumns({ numbers, width: unitsOf(value), at: 0 }, { numbers: whole, width: columns, at: from })
  }
  return [name, whole]
}

function takeColumns(whole: Float32Array, columns: number, from: number, width: number): Float32Array {
  const part = new Float32Array((whole.length / columns) * width)
  copyColumns({ numbers: whole, width: columns, at: from }, { numbers: part, width, at: 0 })
  return part
}
