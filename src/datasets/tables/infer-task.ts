import { AppError } from '../../errors.ts'
import type { Task } from '../columns.ts'
import { type ColumnProfile, createColumnProfile, mergeProfile } from '../statistics/column-profile.ts'
import type { ColumnEncoder } from './column-encoder.ts'
import { quote } from './place.ts'
import type { Pass } from './read-table.ts'

/** Different integers that are still taken for classes. */
const INTEGER_CLASSES_MAX = 100

/**
 * What the targets are to teach, unless it is given: one target of texts, truth values or at most 100 different
 * integers is a classification, several targets of 0 and 1 are a multi-label one, and other numbers a regression.
 * @throws {AppError} DATASET_INVALID when the targets cannot be what they are said to be
 */
export function inferTask(pass: Pass, given: Task | null): Task {
  const targets = pass.encoders.filter(({ role }) => role === 'target')
  const profiles = targets.map(({ index }) => profileOf(pass, index))
  const task = given ?? guess(targets, profiles)
  for (const [at, target] of targets.entries()) {
    const profile = profiles[at]
    if (target.mode === 'datetime' || target.mode === 'hash') {
      throw refuse(
        target,
        'numbers, truth values or texts',
        target.mode === 'hash' ? 'ids or texts' : 'dates',
      )
    }
    if (task === 'regression' && target.mode !== 'numeric') throw refuse(target, 'numbers', target.mode)
    if (task === 'multiLabel' && !(profile && isZeroOne(target, profile))) {
      throw refuse(target, '0 and 1 or true and false', target.mode)
    }
  }
  if (task === 'classification' && targets.length > 1) {
    throw new AppError('DATASET_INVALID', `a classification must have one target; received ${targets.length}`)
  }
  return task
}

function guess(targets: readonly ColumnEncoder[], profiles: readonly ColumnProfile[]): Task {
  if (targets.length > 1) {
    return targets.every((target, at) => isZeroOne(target, profiles[at] ?? createColumnProfile()))
      ? 'multiLabel'
      : 'regression'
  }
  const [target] = targets
  const [profile] = profiles
  if (target?.mode !== 'numeric' || target.declared === 'categorical') return 'classification'
  const isFew = (profile?.distinct.values()?.length ?? Number.POSITIVE_INFINITY) <= INTEGER_CLASSES_MAX
  return profile?.isInteger && isFew ? 'classification' : 'regression'
}

function profileOf(pass: Pass, index: number): ColumnProfile {
  const whole = createColumnProfile()
  for (const { profiles } of pass.splits.values()) {
    const profile = profiles[index]
    if (profile) mergeProfile(whole, profile)
  }
  return whole
}

function isZeroOne(target: ColumnEncoder, { min, max, isInteger }: ColumnProfile): boolean {
  return target.mode === 'boolean' || (target.mode === 'numeric' && isInteger && min >= 0 && max <= 1)
}

function refuse({ name, conflict }: ColumnEncoder, required: string, received: string): AppError {
  const example = conflict ? `${quote(conflict.value)} in ${conflict.where}` : received
  return new AppError(
    'DATASET_INVALID',
    `the target ${quote(name)} must hold ${required}; received ${example}`,
  )
}
