import { NOUNS } from '../../datasets/tables/column-encoder.ts'
import { fieldError } from '../../errors.ts'
import type { Rows } from '../rows.ts'
import { INPUTS_MAX } from '../schemas.ts'
import type { Work } from '../turns.ts'
import { type Feature, INPUT_NAME, type ModelInterface } from './model-interface.ts'
import { type NamedInput, nameOf } from './named-input.ts'

/** Cells between two looks at the clock. */
const CELLS_AT_ONCE = 256

/**
 * Columns as rows of cells: an input for each column, or all of them as one array of numbers when each column can be
 * told by a number.
 * @throws {AppError} INPUT_INVALID with the place of what is wrong
 */
export async function tableToRows(
  model: ModelInterface,
  features: readonly Feature[],
  inputs: readonly NamedInput[],
  work: Work,
): Promise<Rows> {
  const [first] = inputs
  const isWhole = inputs.length === 1 && first?.name === INPUT_NAME && !isColumn(model, features, INPUT_NAME)
  const columns = isWhole ? splitArray(features, first) : inputs
  const byName = new Map(columns.map(input => [input.name, input]))
  assertNames(model, features, byName, columns.length)
  const count = countRows(columns)
  const cells = new Float64Array(count * model.units).fill(Number.NaN)
  for (const feature of features) {
    const input = byName.get(feature.name)
    for (let row = 0; input && row < count; row++) {
      cells[row * model.units + feature.place] = readCell(feature, input, row)
      if (row % CELLS_AT_ONCE === 0 && work.isOver()) await work.next()
    }
  }
  return { count, features: cells }
}

function isColumn({ unused }: ModelInterface, features: readonly Feature[], name: string): boolean {
  return unused.has(name) || features.some(feature => feature.name === name)
}

/** The columns of one array `[count, features]`. */
function splitArray(features: readonly Feature[], { values, pointer, pointerOf }: NamedInput): NamedInput[] {
  const [count = 0, width] = values.shape
  const text = features.find(({ type }) => type === 'categorical')
  if (text || values.kind !== 'numbers') {
    const why = text ? `: ${text.name} has categories` : ''
    throw fieldError('INPUT_INVALID', pointer, `each column must be an input of its own${why}`)
  }
  if (values.shape.length !== 2 || width !== features.length) {
    const names = features.map(({ name }) => name).join(', ')
    const wanted = `[count, ${features.length}], the columns ${names}`
    const received = values.shape.join(', ')
    throw fieldError('INPUT_INVALID', pointer, `the shape must be ${wanted}; received [${received}]`)
  }
  return features.map(({ name }, column) => ({
    name,
    pointer,
    pointerOf: row => pointerOf(row * features.length + column),
    values: {
      kind: 'numbers',
      numbers: Float64Array.from({ length: count }, (_, row) =>
        Number(values.numbers[row * features.length + column]),
      ),
      shape: [count],
    },
  }))
}

function assertNames(
  model: ModelInterface,
  features: readonly Feature[],
  byName: ReadonlyMap<string, NamedInput>,
  count: number,
): void {
  const missing = features.filter(({ name }) => !byName.has(name)).map(({ name }) => name)
  if (missing.length > 0) {
    throw fieldError(
      'INPUT_INVALID',
      '/inputs',
      `there must be an input for each column; missing are ${missing.join(', ')}`,
    )
  }
  for (const { name, pointer } of byName.values()) {
    if (isColumn(model, features, name)) continue
    const known = features.map(feature => feature.name).join(', ')
    throw fieldError(
      'INPUT_INVALID',
      pointer,
      `inputs must be columns of the table, ${known}; received ${name}`,
    )
  }
  if (byName.size < count)
    throw fieldError('INPUT_INVALID', '/inputs', 'each input must have a name of its own')
}

/** @throws {AppError} INPUT_INVALID when a column has another shape than `[count]` or `[count, 1]` */
function countRows(columns: readonly NamedInput[]): number {
  const [count = 0] = columns[0]?.values.shape ?? []
  for (const { name, pointer, values } of columns) {
    const [own, width = 1, ...rest] = values.shape
    if (own === count && width === 1 && rest.length === 0 && count >= 1 && count <= INPUTS_MAX) continue
    const wanted = `[count] or [count, 1], count 1 to ${INPUTS_MAX} and the same for all columns`
    const received = `[${values.shape.join(', ')}] for ${name}`
    throw fieldError(
      'INPUT_INVALID',
      pointer,
      `the shape of a column must be ${wanted}; received ${received}`,
    )
  }
  return count
}

function readCell(feature: Feature, { values, pointerOf }: NamedInput, row: number): number {
  const value = values.kind === 'numbers' ? Number(values.numbers[row]) : values.elements[row]
  const cell = feature.readCell(Buffer.isBuffer(value) ? value.toString('utf8') : value)
  if (cell !== null) return cell
  throw fieldError(
    'INPUT_INVALID',
    pointerOf(row),
    `${feature.name} must be ${NOUNS[feature.type]}; received ${nameOf(value)}`,
  )
}
