import { parseBoolean } from '../datasets/tables/cell-words.ts'
import {
  type ColumnEncoder,
  createClosedEncoder,
  createColumnEncoder,
} from '../datasets/tables/column-encoder.ts'
import { parseNumber } from '../datasets/tables/parse-number.ts'
import type { Manifest } from '../models/manifest.ts'

/** Finds out what uploaded rows really are, from the columns that the model was trained to predict. */
export interface LabelReader {
  /** Encoders of those columns, by name. */
  encoders: ReadonlyMap<string, ColumnEncoder>
  /**
   * What a row really is, as datasets store it: a class number, or a number for each output.
   * @param cells - of the columns, in the order of the targets
   * @returns null where it is not said, or not known to the model
   */
  read(cells: readonly number[]): number[] | null
}

/** A reader of the labels of a model; null where its targets have no names. */
export function createLabelReader({ kind, classes, targets = [] }: Manifest): LabelReader | null {
  if (targets.length === 0) return null
  if (kind === 'regression') {
    const encoders = targets.map(name => {
      const column = { name, index: 0, declared: 'numeric' as const, codes: new Map<string, number>() }
      return createClosedEncoder({ ...column, onInvalid: () => {} })
    })
    return {
      encoders: byName(encoders),
      read: cells => (cells.every(Number.isFinite) ? [...cells] : null),
    }
  }
  const encoders = targets.map(name =>
    createColumnEncoder({ name, index: 0, role: 'feature', declared: null }, 'text'),
  )
  const readers = encoders.map(({ codes }) =>
    createTextReader(codes, kind === 'classification' ? text => classOf(text, classes) : parseBoolean),
  )
  return {
    encoders: byName(encoders),
    read(cells) {
      const numbers = cells.map((cell, target) => readers[target]?.(cell) ?? Number.NaN)
      return numbers.every(number => number >= 0) ? numbers : null
    },
  }
}

function byName(encoders: readonly ColumnEncoder[]): Map<string, ColumnEncoder> {
  return new Map(encoders.map(encoder => [encoder.name, encoder]))
}

/** Reads each text once. @param codes - grows while the file is read, in the order of its numbers */
function createTextReader(codes: ReadonlyMap<string, number>, read: (text: string) => number) {
  const texts = codes.keys() // goes on with what is added
  const known: number[] = []
  return (cell: number): number => {
    while (known.length <= cell && known.length < codes.size) known.push(read(texts.next().value ?? ''))
    return known[cell] ?? Number.NaN
  }
}

/** The number of the class that a text names, in the words of the training data or in others for the same value. */
function classOf(text: string, classes: readonly string[]): number {
  const bytes = Buffer.from(text)
  const truth = parseBoolean(text)
  const words = [
    text,
    String(parseNumber(bytes, 0, bytes.length)),
    Number.isNaN(truth) ? text : String(truth === 1),
  ]
  const word = words.find(one => classes.includes(one))
  return word === undefined ? Number.NaN : classes.indexOf(word)
}
