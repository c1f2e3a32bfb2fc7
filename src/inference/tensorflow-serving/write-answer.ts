import type { ModelInterface } from '../named-inputs/model-interface.ts'
import type { Work } from '../turns.ts'

/** Rows that become text between two looks at the clock. */
const ROWS_AT_ONCE = 64

/** The answer to a request to predict: a list for each example. */
export async function writePredictions(
  format: 'row' | 'columnar',
  { output: { width } }: ModelInterface,
  values: Float32Array,
  work: Work,
): Promise<string> {
  const key = format === 'row' ? 'predictions' : 'outputs'
  return `{"${key}":${await writeList(values, width, row => `[${row.join()}]`, work)}}`
}

/** The answer to a request to classify: of each example every class with its probability, in the order of the model. */
export async function writeClasses(
  { output: { width, names } }: ModelInterface,
  values: Float32Array,
  work: Work,
): Promise<string> {
  const labels = names.map(name => JSON.stringify(name))
  const writeRow = (row: Float32Array) => `[${labels.map((label, at) => `[${label},${row[at]}]`).join()}]`
  return `{"results":${await writeList(values, width, writeRow, work)}}`
}

/** The answer to a request to regress: the value of each example. */
export async function writeValues(values: Float32Array, work: Work): Promise<string> {
  return `{"results":${await writeList(values, 1, row => String(row[0]), work)}}`
}

async function writeList(
  values: Float32Array,
  width: number,
  writeRow: (row: Float32Array) => string,
  work: Work,
): Promise<string> {
  const rows: string[] = []
  for (let from = 0; from < values.length; from += width) {
    rows.push(writeRow(values.subarray(from, from + width)))
    if (rows.length % ROWS_AT_ONCE === 0 && work.isOver()) await work.next()
  }
  return `[${rows.join()}]`
}
