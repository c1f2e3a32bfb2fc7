import { AppError } from '../../../errors.ts'
import type { SplitName } from '../../schemas.ts'
import { findSplit } from '../../split-words.ts'
import { quote } from '../../tables/place.ts'

/** What the folders of an image say of it. */
export interface PlacedImage<Entry> {
  entry: Entry
  /** Null where folders name no splits. */
  split: SplitName | null
  label: string
}

/** What systems add to archives by themselves. */
const SYSTEM_NAMES = new Set(['__macosx', 'thumbs.db', 'desktop.ini'])
const LABEL_LENGTH_MAX = 200

/**
 * Reads class and split of each image from its folders: `class/image` or `split/class/image`, all of them in one more
 * folder or not. What a system adds is left out, as are files and folders whose names begin with a dot.
 * @throws {AppError} DATASET_INVALID with the name of the entry
 */
export function arrangeFolders<Entry extends { name: string }>(
  entries: readonly Entry[],
): PlacedImage<Entry>[] {
  const files = entries.flatMap(entry => {
    const path = entry.name.split('/').filter(segment => segment !== '' && segment !== '.')
    const isHidden = path.some(segment => segment.startsWith('.') || SYSTEM_NAMES.has(segment.toLowerCase()))
    return isHidden ? [] : [{ entry, path }]
  })
  if (files.length === 0) throw new AppError('DATASET_INVALID', 'a ZIP must hold images; received none')
  if (hasRoot(files.map(({ path }) => path))) for (const { path } of files) path.shift()
  const hasSplits = files[0]?.path.length === 3
  const placed = files.map(({ entry, path }) => {
    if (path.length !== (hasSplits ? 3 : 2)) throw misplaced(entry.name, hasSplits)
    const split = hasSplits ? findSplit(path[0] ?? '') : null
    if (hasSplits && split === null) {
      throw invalid(
        entry.name,
        `folders of splits must be train, validation and test; received ${quote(path[0] ?? '')}`,
      )
    }
    const label = path.at(-2) ?? ''
    if (label.length > LABEL_LENGTH_MAX) {
      throw invalid(entry.name, `classes may have ${LABEL_LENGTH_MAX} characters; received ${label.length}`)
    }
    return { entry, split, label }
  })
  if (placed.every(({ label }) => findSplit(label) !== null)) {
    throw invalid(
      files[0]?.entry.name ?? '',
      'a split must have a folder for each class; received images in it',
    )
  }
  return placed
}

/** Whether all files lie in one folder that is no class and no split. */
function hasRoot(paths: readonly (readonly string[])[]): boolean {
  const [first = []] = paths
  const root = first[0]
  if (first.length < 3 || first.length > 4 || paths.some(path => path[0] !== root)) return false
  return first.length === 4 || findSplit(root ?? '') === null
}

function misplaced(name: string, hasSplits: boolean): AppError {
  const required = hasSplits ? 'split/class/image' : 'class/image or split/class/image'
  return invalid(name, `images must lie as ${required}, as the others do`)
}

function invalid(name: string, detail: string): AppError {
  return new AppError('DATASET_INVALID', `entry ${quote(name)}: ${detail}`)
}
