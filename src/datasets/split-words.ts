import type { SplitName } from './schemas.ts'

const SPLIT_WORDS: ReadonlyMap<string, SplitName> = new Map([
  ['train', 'train'],
  ['training', 'train'],
  ['validation', 'validation'],
  ['valid', 'validation'],
  ['val', 'validation'],
  ['dev', 'validation'],
  ['test', 'test'],
  ['testing', 'test'],
])

/** The split that a word means, in any case; null when it means none. */
export function findSplit(word: string): SplitName | null {
  return SPLIT_WORDS.get(word.trim().toLowerCase()) ?? null
}
