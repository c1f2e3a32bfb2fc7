import { unitsOf } from '../graph.ts'
import type { Value } from '../operations.ts'
import { at } from '../updates.ts'
import type { AffineStep } from './fuse.ts'
import { ENTRY_BYTES, NARROW, WIDE } from './kernels.ts'

const UNIT_BYTES = 4
/** A line of the processor's cache. */
const ALIGNMENT_BYTES = 64

/** Columns of a matrix that a kernel computes together. Places are byte offsets into the memory. */
export interface Panel {
  isWide: boolean
  /** Its first column. */
  column: number
  weights: number
  bias: number
}

/** Where everything lies in the memory of a network, from its beginning. */
export interface Layout {
  bytes: number
  /** Place of a value's examples, row by row. */
  placeOf(value: Value): number
  /** Panels of a step, in the order in which they must be computed. */
  panelsOf(step: AffineStep): readonly Panel[]
  /** Room for the lists of `gather`, one for each example. */
  lists: number
  /** Writes the weights into a memory of at least `bytes` that are all 0. */
  fill(memory: WebAssembly.Memory): void
}

/**
 * Finds the places of a network's weights and of the examples that it works on.
 * @param steps - every matrix of the network
 * @param rowsMax - examples that are worked on together
 */
export function layOut(steps: readonly AffineStep[], features: Value, rowsMax: number): Layout {
  let bytes = 0
  const take = (units: number) => {
    const place = bytes
    bytes += Math.ceil((units * UNIT_BYTES) / ALIGNMENT_BYTES) * ALIGNMENT_BYTES
    return place
  }
  const panels = new Map(steps.map(step => [step, placePanels(step, take)]))
  const values = [features, ...steps.flatMap(({ x, output }) => [x, output])]
  const places = new Map<number, number>()
  for (const value of values) {
    if (!places.has(value.id)) places.set(value.id, take(unitsOf(value) * rowsMax + NARROW)) // the last panel's filling
  }
  const widest = Math.max(0, ...steps.map(({ x }) => unitsOf(x)))
  const lists = take((widest * rowsMax * ENTRY_BYTES + ENTRY_BYTES) / UNIT_BYTES) // one more is written than kept
  return {
    bytes,
    lists,
    placeOf: ({ id }) => places.get(id) ?? Number.NaN,
    panelsOf: step => panels.get(step) ?? [],
    fill(memory) {
      const numbers = new Float32Array(memory.buffer)
      for (const [step, own] of panels) for (const panel of own) writePanel(numbers, step, panel)
    },
  }
}

/**
 * The last panel comes first when it is not full: what it writes beyond the end of a row is the beginning of the
 * next one, which is computed later.
 */
function placePanels({ x, output }: AffineStep, take: (units: number) => number): Panel[] {
  const units = unitsOf(output)
  const panels: Panel[] = []
  for (let column = 0; column < units; ) {
    const isWide = column + WIDE <= units
    const width = isWide ? WIDE : NARROW
    panels.push({ isWide, column, weights: take(unitsOf(x) * width), bias: take(width) })
    column += width
  }
  return units % NARROW === 0 ? panels : panels.reverse()
}

function writePanel(numbers: Float32Array, step: AffineStep, panel: Panel): void {
  const { kernel, rowScale, columnScale, bias, output } = step
  const units = unitsOf(output)
  const width = panel.isWide ? WIDE : NARROW
  const used = Math.min(width, units - panel.column)
  const inputs = kernel.length / units
  const [weights, biases] = [panel.weights / UNIT_BYTES, panel.bias / UNIT_BYTES]
  for (let column = 0; column < used; column++) numbers[biases + column] = at(bias, panel.column + column)
  for (let input = 0; input < inputs; input++) {
    const from = input * units + panel.column
    const rowFactor = rowScale ? at(rowScale, input) : 1
    for (let column = 0; column < used; column++) {
      const columnFactor = columnScale ? at(columnScale, panel.column + column) : 1
      numbers[weights + input * width + column] = rowFactor * at(kernel, from + column) * columnFactor
    }
  }
}
