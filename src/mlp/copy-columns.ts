import type { FloatArray } from './updates.ts'

/** Columns of a matrix that is kept row by row: those from `at` on. */
export interface Columns {
  numbers: FloatArray
  /** Numbers of a row. */
  width: number
  at: number
}

/** Copies columns of every row to their place in another matrix, as many as both have. */
export function copyColumns(source: Columns, target: Columns): void {
  const width = Math.min(source.width - source.at, target.width - target.at)
  for (let row = 0; row * source.width < source.numbers.length; row++) {
    const begin = row * source.width + source.at
    target.numbers.set(source.numbers.subarray(begin, begin + width), row * target.width + target.at)
  }
}
