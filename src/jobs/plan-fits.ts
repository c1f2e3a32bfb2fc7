import type { TrainingSpec } from './training-spec.ts'

/** One training from first weights to last; a job has several when it has folds. */
export interface PlannedFit {
  /** The fold that it is validated on, from 1; null: what it gives is the model. */
  fold: number | null
  trainExamples: number
}

/**
 * The fits of a job in their order: one for each fold, on the examples of all others, and one on all examples, which
 * makes the model. Without folds it is that one.
 * @param examples - of the training split
 */
export function planFits({ validation }: Pick<TrainingSpec, 'validation'>, examples: number): PlannedFit[] {
  if (validation === null || !('folds' in validation)) {
    return [{ fold: null, trainExamples: examples - countHeldOut({ validation }, examples) }]
  }
  const { folds } = validation
  const fits = Array.from({ length: folds }, (_, index) => ({
    fold: index + 1,
    trainExamples: examples - Math.floor((examples + folds - 1 - index) / folds), // the first ones are larger
  }))
  return [...fits, { fold: null, trainExamples: examples }]
}

/** How many examples a validation fraction sets aside. */
export function countHeldOut({ validation }: Pick<TrainingSpec, 'validation'>, examples: number): number {
  return validation && 'fraction' in validation ? Math.floor(validation.fraction * examples) : 0
}

/** Training steps over all epochs of some fits. */
export function countSteps(
  { epochs, batchSize }: Pick<TrainingSpec, 'epochs' | 'batchSize'>,
  fits: readonly Pick<PlannedFit, 'trainExamples'>[],
): number {
  return fits.reduce((sum, { trainExamples }) => sum + epochs * Math.ceil(trainExamples / batchSize), 0)
}
