import { AppError } from '../../../errors.ts'
import { quote } from '../../tables/place.ts'

/** What the items of an array are. */
export interface NpyDtype {
  kind: 'bool' | 'integer' | 'unsigned' | 'float' | 'bytes' | 'text'
  /** Of one item. */
  bytes: number
  isBigEndian: boolean
  /** As NumPy writes it: `<f4`. */
  name: string
}

const KINDS: Readonly<Record<string, { kind: NpyDtype['kind']; sizes: readonly number[] | null }>> = {
  b: { kind: 'bool', sizes: [1] },
  i: { kind: 'integer', sizes: [1, 2, 4, 8] },
  u: { kind: 'unsigned', sizes: [1, 2, 4, 8] },
  f: { kind: 'float', sizes: [2, 4, 8] },
  S: { kind: 'bytes', sizes: null },
  U: { kind: 'text', sizes: null },
}

/** Characters of a text at most. */
const TEXT_LENGTH_MAX = 1_024

/**
 * Reads the name of a type.
 * @throws {AppError} DATASET_INVALID for what is no plain type; objects are never read, for they are programs
 * @see https://numpy.org/doc/stable/reference/arrays.interface.html (typestr)
 */
export function parseDtype(name: string): NpyDtype {
  const [, order = '', letter = '', digits = ''] = /^([<>|=]?)([a-zA-Z])(\d{0,6})$/.exec(name) ?? []
  if (letter === 'O') {
    const detail = `items must be numbers, truth values or texts; received pickled objects (${quote(name)}), which are never read`
    throw new AppError('DATASET_INVALID', detail)
  }
  const known = KINDS[letter]
  const size = Number(digits)
  if (known === undefined || (known.sizes !== null && !known.sizes.includes(size))) {
    const detail = `items must be bool, int8 to int64, uint8 to uint64, float16 to float64 or texts; received ${quote(name)}`
    throw new AppError('DATASET_INVALID', detail)
  }
  if (known.sizes === null && !(size >= 1 && size <= TEXT_LENGTH_MAX)) {
    throw new AppError(
      'DATASET_INVALID',
      `texts must have 1 to ${TEXT_LENGTH_MAX} characters; received ${quote(name)}`,
    )
  }
  return { kind: known.kind, bytes: letter === 'U' ? 4 * size : size, isBigEndian: order === '>', name }
}

/** Whether the items are texts, and no numbers. */
export function isText({ kind }: NpyDtype): boolean {
  return kind === 'bytes' || kind === 'text'
}
