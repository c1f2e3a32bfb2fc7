import { type Code, encodeModule, F32, I32, op, V128, type WasmFunction } from './wasm-module.ts'

/** Columns of a panel of weights: `wide` ones as far as they fit, then `narrow` ones, the last filled up with zeros. */
export const WIDE = 32
export const NARROW = 8

/** Bytes of an entry of a list of `gather`: the place of the input, and its number. */
export const ENTRY_BYTES = 8

/** The affine map of one example, in SIMD instructions. All places are byte offsets into the memory. */
export interface Kernels {
  /** Lists the numbers between `x` and `end` that are not 0. @returns the end of the list */
  gather(x: number, end: number, list: number): number
  /**
   * y = max(x·W + b, floor) of one panel of columns, W `[inputs, WIDE]`, b `[WIDE]`; x as `gather` listed it.
   * Without a floor: −Infinity.
   */
  wide(list: number, listEnd: number, panel: number, bias: number, y: number, floor: number): void
  /** The same of a panel with `NARROW` columns. */
  narrow(list: number, listEnd: number, panel: number, bias: number, y: number, floor: number): void
}

const FOUR_BYTES = 16
const UNIT_BYTES = 4

/**
 * One module for all networks; each has an instance with a memory of its own. Inputs that are 0 cost nothing: most
 * pixels of a drawing are, and half of what leaves a relu. The sums of a panel stay in registers.
 */
export function compileKernels(): (memory: WebAssembly.Memory) => Kernels {
  const module = new WebAssembly.Module(
    encodeModule([gather(), panel('wide', WIDE), panel('narrow', NARROW)]),
  )
  return memory => new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Kernels
}

function gather(): WasmFunction {
  const [x, end, list, place, number] = [0, 1, 2, 3, 4]
  return {
    name: 'gather',
    parameters: [I32, I32, I32],
    results: [I32],
    locals: [I32, F32],
    body: [
      op.while(
        [op.get(x), op.get(end), op.isBelow],
        [
          [op.get(x), op.loadFloat(), op.set(number)],
          [op.get(list), op.get(place), op.storeInt()],
          [op.get(list), op.get(number), op.storeFloat(4)],
          // Every number is written, and the next one over it when it is 0: no jump that could be guessed wrong.
          [
            op.get(list),
            op.get(number),
            op.zero,
            op.isDifferent,
            op.int(3),
            op.shiftLeft,
            op.add,
            op.set(list),
          ],
          [op.get(x), op.int(UNIT_BYTES), op.add, op.set(x)],
          [op.get(place), op.int(NARROW * UNIT_BYTES), op.add, op.set(place)],
        ],
      ),
      op.get(list),
    ],
  }
}

function panel(name: string, columns: number): WasmFunction {
  const [list, listEnd, weights, bias, y, floor, row, factor, firstSum] = [0, 1, 2, 3, 4, 5, 6, 7, 8]
  const quads = Array.from({ length: columns / 4 }, (_, index) => ({
    sum: firstSum + index,
    offset: index * FOUR_BYTES,
  }))
  const each = (write: (quad: (typeof quads)[number]) => Code): Code => quads.map(write)
  return {
    name,
    parameters: [I32, I32, I32, I32, I32, F32],
    results: [],
    locals: [I32, V128, ...quads.map((): typeof V128 => V128)],
    body: [
      each(({ sum, offset }) => [op.get(bias), op.loadFour(offset), op.set(sum)]),
      op.while(
        [op.get(list), op.get(listEnd), op.isBelow],
        [
          [op.get(list), op.loadInt(), op.int(Math.log2(columns / NARROW)), op.shiftLeft],
          [op.get(weights), op.add, op.set(row)],
          [op.get(list), op.loadSplat(4), op.set(factor)],
          each(({ sum, offset }) => [
            [op.get(row), op.loadFour(offset), op.get(factor), op.multiplyFour],
            [op.get(sum), op.addFour, op.set(sum)],
          ]),
          [op.get(list), op.int(ENTRY_BYTES), op.add, op.set(list)],
        ],
      ),
      each(({ sum, offset }) => [
        [op.get(y), op.get(sum), op.get(floor), op.splat, op.maxFour],
        op.storeFour(offset),
      ]),
    ],
  }
}
