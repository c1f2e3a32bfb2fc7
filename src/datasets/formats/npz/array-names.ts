import type { SplitName } from '../../schemas.ts'
import { findSplit } from '../../split-words.ts'

/** What an array of an NPZ file is for. */
export type ArrayUse =
  | { role: 'x' | 'y'; split: SplitName | null }
  /** Names of classes, or of the columns of x. */
  | { role: 'classes' | 'featureNames' }

/** The names that are known, for messages. */
export const ARRAY_NAMES =
  'x_train, y_train, x_validation, y_validation, x_test, y_test, or x and y, and classes and feature_names'

/** The parts of an upload that are NPY files, one array each. */
export const ARRAY_PARTS: Readonly<Record<string, { role: 'x' | 'y'; split: SplitName }>> = {
  trainX: { role: 'x', split: 'train' },
  trainY: { role: 'y', split: 'train' },
  validationX: { role: 'x', split: 'validation' },
  validationY: { role: 'y', split: 'validation' },
  testX: { role: 'x', split: 'test' },
  testY: { role: 'y', split: 'test' },
}

/**
 * What an array is for, by its name in any case: Keras's names, x and y, and the splits by any of their words.
 * @returns null for a name that means nothing
 */
export function findUse(name: string): ArrayUse | null {
  const word = name.toLowerCase()
  if (word === 'classes') return { role: 'classes' }
  if (word === 'feature_names') return { role: 'featureNames' }
  const [, role = '', splitWord] = /^([xy])(?:_(\w+))?$/.exec(word) ?? []
  if (role !== 'x' && role !== 'y') return null
  if (splitWord === undefined) return { role, split: null }
  const split = findSplit(splitWord)
  return split && { role, split }
}
