import { AppError } from '../../../errors.ts'
import type { DraftScope } from '../../drafts.ts'
import type { SplitName } from '../../schemas.ts'
import { quote } from '../../tables/place.ts'
import type { ZipEntry } from '../zip/read-directory.ts'
import { streamEntry } from '../zip/read-entry.ts'
import { type SpooledFile, spoolFile } from '../zip/spooled-file.ts'
import { ARRAY_NAMES, findUse } from './array-names.ts'
import type { ArraySet } from './array-set.ts'
import { decodeNumbers, decodeTexts } from './decode-items.ts'
import { isText } from './dtype.ts'
import { invalidArray, type NpyArray, openArray, readRows } from './read-array.ts'

/** Names in one array at most. */
const NAMES_MAX = 16_384

/** Whether an archive holds arrays. */
export function isNpz(entries: readonly ZipEntry[]): boolean {
  return entries.length > 0 && entries.every(({ name }) => name.endsWith('.npy'))
}

/**
 * Finds out what each array of an NPZ file is for, and reads its head.
 * @param part - of the upload: `x` and `y` are those of its split, `file` being `train`
 * @throws {AppError} DATASET_INVALID
 * @see https://numpy.org/doc/stable/reference/generated/numpy.savez.html
 */
export async function addNpz(
  drafts: DraftScope,
  set: ArraySet,
  archive: { part: string; split: SplitName; file: SpooledFile; entries: readonly ZipEntry[] },
): Promise<void> {
  const { part, split, file, entries } = archive
  for (const entry of entries) {
    const name = entry.name.slice(0, -'.npy'.length)
    const use = findUse(name)
    if (use === null) {
      throw new AppError('DATASET_INVALID', `arrays must be ${ARRAY_NAMES}; received ${quote(name)}`)
    }
    const array = await openArray({
      part,
      name,
      bytes: entry.bytes,
      stream: () => streamEntry(file, entry),
      spool: () => spoolFile(drafts, streamEntry(file, entry)),
    })
    if (!('split' in use)) {
      if (set[use.role] !== null) throw invalidArray(array, 'must be given once; received it twice')
      set[use.role] = await readNames(array)
      continue
    }
    const own = use.split ?? split
    if (part !== 'file' && own !== split) {
      throw invalidArray(array, `the part ${part} must hold arrays of ${split}; received some of ${own}`)
    }
    addArray(set, use.role, own, array)
  }
}

/** @throws {AppError} DATASET_INVALID when there is one already */
export function addArray(set: ArraySet, role: 'x' | 'y', split: SplitName, array: NpyArray): void {
  const known = set[role].get(split)
  if (known) {
    throw invalidArray(
      array,
      `there must be one ${role} of ${split}; received ${quote(known.source.name)} too`,
    )
  }
  set[role].set(split, array)
}

async function readNames(array: NpyArray): Promise<string[]> {
  if (array.shape.length !== 1 || (array.shape[0] ?? 0) > NAMES_MAX) {
    throw invalidArray(
      array,
      `must be a list of at most ${NAMES_MAX} names; received ${array.shape.join(' × ')}`,
    )
  }
  const names: string[] = []
  for await (const rows of readRows(array)) {
    if (isText(array.dtype)) names.push(...decodeTexts(rows, array.dtype))
    else {
      const numbers = decodeNumbers(rows, array.dtype, () => {
        throw invalidArray(array, 'whole numbers must be within ±2^53')
      })
      names.push(...Array.from(numbers, String))
    }
  }
  if (names.some(name => name === '' || name.includes('\0')) || new Set(names).size < names.length) {
    throw invalidArray(array, 'names must differ and have a character at least, none of them NUL')
  }
  return names
}
