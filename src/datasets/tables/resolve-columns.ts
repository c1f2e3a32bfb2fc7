import { type AppError, fieldError } from '../../errors.ts'
import { isStorable } from './cell-words.ts'
import { type ColumnEncoder, createColumnEncoder } from './column-encoder.ts'
import { quote } from './place.ts'
import type { TableOptions } from './table-options.ts'

/** Columns of a table at most. */
export const COLUMNS_MAX = 16_384

/**
 * Finds what each column is for: `target`, else the one named `label`, else `target`, else the last.
 * @param first - the columns of the first row, where a row need not have all: what is to be learnt is one of them
 * @throws {AppError} DATASET_INVALID, VALIDATION_FAILED when what is asked for is not there
 */
export function resolveColumns(
  names: readonly string[],
  options: TableOptions,
  first: readonly string[] | null,
): ColumnEncoder[] {
  const { splitColumn, types, task } = options
  if (names.length === 0) throw noFeature(names)
  if (new Set(names).size < names.length) {
    const twice = names.find((name, index) => names.indexOf(name) < index) ?? ''
    throw fieldError(
      'DATASET_INVALID',
      '',
      `columns must have different names; received ${quote(twice)} twice`,
    )
  }
  const unnamed = names.findIndex(name => name === '' || !isStorable(name))
  if (unnamed >= 0) {
    const detail = `column ${unnamed + 1} must have a name in Unicode without NUL; received ${quote(names[unnamed] ?? '')}`
    throw fieldError('DATASET_INVALID', '', detail)
  }
  if (names.length > COLUMNS_MAX) {
    throw fieldError('DATASET_INVALID', '', `there may be ${COLUMNS_MAX} columns; received ${names.length}`)
  }
  assertKnown('/splitColumn', names, splitColumn === null ? [] : [splitColumn])
  const free = names.filter(name => name !== splitColumn)
  const always = first ? free.filter(name => first.includes(name)) : free
  const preset = ['label', 'target'].find(name => always.includes(name)) ?? always.at(-1) ?? ''
  const targets = options.targets ?? [preset]
  assertKnown('/target', free, targets)
  if (free.length - targets.length < 1) throw noFeature(names)
  const mustBeNumbers = task === 'regression' || task === 'multiLabel' || targets.length > 1
  return names.map((name, index) => {
    const isTarget = targets.includes(name)
    const role = name === splitColumn ? 'split' : isTarget ? 'target' : 'feature'
    const declared = types.get(name) ?? (isTarget && mustBeNumbers ? 'numeric' : null)
    const isBoolean = isTarget && task !== 'regression' && mustBeNumbers && !types.has(name)
    const column = { name, index, role, declared: isBoolean ? null : declared } as const
    return createColumnEncoder(column, role === 'split' ? 'text' : null)
  })
}

function noFeature(names: readonly string[]): AppError {
  const received = `${names.length} (${names.slice(0, 5).map(quote).join(', ')})`
  const detail = `there must be a column to learn from beside what is to be learnt; received ${received}`
  return fieldError('DATASET_INVALID', '', detail)
}

/** Checks that every column of the option `columns` is there. @throws {AppError} VALIDATION_FAILED */
export function assertTypesKnown(encoders: readonly ColumnEncoder[], { types }: TableOptions): void {
  const names = encoders.map(({ name }) => name)
  for (const name of types.keys()) assertKnown(`/columns/${escapePointer(name)}`, names, [name])
}

function assertKnown(pointer: string, names: readonly string[], wanted: readonly string[]): void {
  const unknown = wanted.find(name => !names.includes(name))
  if (unknown === undefined) return
  const some = names.slice(0, 10).map(quote).join(', ')
  const more = names.length > 10 ? ` and ${names.length - 10} more` : ''
  throw fieldError('VALIDATION_FAILED', pointer, `the columns are ${some}${more}; received ${quote(unknown)}`)
}

/** @see RFC 6901, section 3 */
function escapePointer(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}
