import { unitsOf } from '../graph.ts'
import { type BinaryKind, type ComputeOperation, operandsOf, type Value } from '../operations.ts'
import { at, type FloatArray } from '../updates.ts'
import type { DividedProgram } from './known-values.ts'

/** y = max(x·W + b, floor). */
export interface AffineStep {
  kind: 'affine'
  x: Value
  /** W, `[units of x, units]`, row by row, before it is scaled. */
  kernel: FloatArray
  /** Factors of its rows and of its columns; null: 1. They are multiplied in where it is laid out, so nothing is copied. */
  rowScale: Float64Array | null
  columnScale: Float64Array | null
  /** b, `[units]`. */
  bias: FloatArray
  /** 0 for a relu behind it, else −Infinity. */
  floor: number
  output: Value
}

/** What is done to the features, in order. */
export type Step = AffineStep | ComputeOperation

/** A value that was not written yet, for it may become a part of what follows. */
type Pending = Rows | Product

/** scale ⊙ source + shift, as these operations say too. */
interface Rows {
  kind: 'rows'
  source: Value
  scale: Float64Array
  shift: Float64Array
  operations: readonly ComputeOperation[]
}

/** source·W + b. */
interface Product extends Pick<AffineStep, 'kernel' | 'rowScale' | 'columnScale'> {
  kind: 'product'
  source: Value
  bias: Float64Array
}

/**
 * Shifts larger than this stay where they are before a matrix: in (x − μ) / σ the numbers may be large and their
 * differences small, and to multiply first would lose these. Behind a matrix the product is rounded before in any case.
 */
const SHIFT_MAX = 4

/**
 * Rewrites operations into fewer that give the same: what scales and shifts each unit becomes a part of the matrix
 * before it, or behind it, and a relu the end of its matrix. So batch normalisation, biases and preprocessing cost
 * nothing. Everything else stays as it is.
 * @param predictions - the value that is wanted in the end
 */
export function fuseOperations(program: DividedProgram, predictions: Value): Step[] {
  const fuser = new Fuser(program, predictions)
  for (const operation of program.operations) fuser.take(operation)
  return fuser.end()
}

class Fuser {
  readonly #steps: Step[] = []
  readonly #pending = new Map<number, Pending>()
  readonly #uses = new Map<number, number>()
  readonly #known: DividedProgram['known']
  readonly #predictions: Value

  constructor({ known, operations }: DividedProgram, predictions: Value) {
    this.#known = known
    this.#predictions = predictions
    for (const { id } of [predictions, ...operations.flatMap(operandsOf)]) {
      this.#uses.set(id, (this.#uses.get(id) ?? 0) + 1)
    }
  }

  take(operation: ComputeOperation): void {
    const pending = this.#multiply(operation) ?? this.#scaleAndShift(operation)
    if (pending && 'output' in operation) this.#pending.set(operation.output.id, pending)
    else if (!this.#cutOff(operation)) this.#write(operation)
  }

  end(): Step[] {
    this.#settle(this.#predictions)
    return this.#steps
  }

  /** A product with a known matrix; what scales its input goes into the matrix. */
  #multiply(operation: ComputeOperation): Pending | null {
    if (operation.kind !== 'matMul' || operation.transposeA || operation.transposeB) return null
    const matrix = this.#known.get(operation.b.id)
    if (!matrix) return null
    const units = unitsOf(operation.output)
    const before = this.#pending.get(operation.a.id)
    const product = { kind: 'product', kernel: matrix, columnScale: null } as const
    if (before?.kind !== 'rows' || before.shift.some(shift => Math.abs(shift) > SHIFT_MAX)) {
      this.#settle(operation.a)
      return { ...product, source: operation.a, rowScale: null, bias: new Float64Array(units) }
    }
    const { source, scale, shift } = before
    return { ...product, source, rowScale: scale, bias: multiplyRow(shift, matrix, units) }
  }

  /** A sum, difference, product or quotient with a known number, or with known ones for each unit. */
  #scaleAndShift(operation: ComputeOperation): Pending | null {
    if (!isPair(operation) || operation.a.shape.length !== 2 || operation.b.shape.length > 1) return null
    const numbers = this.#known.get(operation.b.id)
    if (!numbers) return null
    const units = unitsOf(operation.a)
    const row = toScaleAndShift(operation.kind, index => at(numbers, index % numbers.length))
    const before = this.#uses.get(operation.a.id) === 1 ? this.#pending.get(operation.a.id) : undefined
    if (before?.kind === 'product') {
      return {
        ...before,
        columnScale: row.isShift ? before.columnScale : scaleAll(before.columnScale, units, row.scale),
        bias: before.bias.map((bias, unit) => bias * row.scale(unit) + row.shift(unit)),
      }
    }
    if (before) {
      return {
        ...before,
        scale: before.scale.map((scale, unit) => scale * row.scale(unit)),
        shift: before.shift.map((shift, unit) => shift * row.scale(unit) + row.shift(unit)),
        operations: [...before.operations, operation],
      }
    }
    this.#settle(operation.a)
    return {
      kind: 'rows',
      source: operation.a,
      scale: Float64Array.from({ length: units }, (_, unit) => row.scale(unit)),
      shift: Float64Array.from({ length: units }, (_, unit) => row.shift(unit)),
      operations: [operation],
    }
  }

  /** A relu of a product that nothing else wants. */
  #cutOff(operation: ComputeOperation): boolean {
    if (operation.kind !== 'relu' || this.#uses.get(operation.x.id) !== 1) return false
    const before = this.#pending.get(operation.x.id)
    if (before?.kind !== 'product') return false
    this.#steps.push(toStep(before, 0, operation.output))
    return true
  }

  #write(operation: ComputeOperation): void {
    for (const operand of operandsOf(operation)) this.#settle(operand)
    this.#steps.push(operation)
  }

  /** Writes a value, if it was not. */
  #settle(value: Value): void {
    const pending = this.#pending.get(value.id)
    if (!pending) return
    this.#pending.delete(value.id)
    if (pending.kind === 'rows') this.#steps.push(...pending.operations)
    else this.#steps.push(toStep(pending, Number.NEGATIVE_INFINITY, value))
  }
}

/** row·W; nothing is multiplied where the row is 0. */
function multiplyRow(row: Float64Array, matrix: FloatArray, units: number): Float64Array {
  const product = new Float64Array(units)
  for (const [input, factor] of row.entries()) {
    if (factor === 0) continue
    for (let unit = 0; unit < units; unit++) {
      product[unit] = at(product, unit) + factor * at(matrix, input * units + unit)
    }
  }
  return product
}

function scaleAll(
  before: Float64Array | null,
  units: number,
  scaleOf: (unit: number) => number,
): Float64Array {
  return Float64Array.from({ length: units }, (_, unit) => (before ? at(before, unit) : 1) * scaleOf(unit))
}

function toStep({ source, kind: _, ...product }: Product, floor: number, output: Value): AffineStep {
  return { ...product, kind: 'affine', x: source, floor, output }
}

type Pair = Extract<ComputeOperation, { kind: BinaryKind }>

function isPair(operation: ComputeOperation): operation is Pair & { kind: Scaling } {
  return ['add', 'subtract', 'multiply', 'divide'].includes(operation.kind)
}

type Scaling = 'add' | 'subtract' | 'multiply' | 'divide'

/** A function of a number x with a known one, as scale · x + shift. */
function toScaleAndShift(kind: Scaling, numberOf: (unit: number) => number) {
  switch (kind) {
    case 'add':
      return { isShift: true, scale: () => 1, shift: numberOf }
    case 'subtract':
      return { isShift: true, scale: () => 1, shift: (unit: number) => -numberOf(unit) }
    case 'multiply':
      return { isShift: false, scale: numberOf, shift: () => 0 }
    case 'divide':
      return { isShift: false, scale: (unit: number) => 1 / numberOf(unit), shift: () => 0 }
  }
}
