import { countSteps, planFits } from '../../src/jobs/plan-fits.ts'
import { findCheckpoint } from './checkpoint-store.ts'
import { chooseExamples } from './choose-examples.ts'
import { assertFinite, evaluateSelection } from './evaluate.ts'
import { reportedMetrics } from './evaluate-model.ts'
import { finishTraining } from './finish-training.ts'
import { addFold, type FoldsDone, NO_FOLDS } from './folds-done.ts'
import type { TrainerJob } from './messages.ts'
import { type TrainedFit, type TrainingDeps, trainFit } from './train-fit.ts'

/**
 * One attempt at a job: load, resume, train, evaluate, save; with folds, a fit for each before the one that makes the
 * model. Reports as it goes; the last message says how it ended.
 * @throws {AppError} TRAINING_DIVERGED, DATASET_INVALID, MODEL_DAMAGED for the base model
 */
export async function runTraining(deps: TrainingDeps, job: TrainerJob): Promise<void> {
  const { blobs, send } = deps
  const { training, dataset } = job
  const examples = await chooseExamples(blobs, job)
  const counts = examples.fits.map(({ train }) => ({ trainExamples: train.count }))
  const steps = countSteps(training, counts)
  const planned = countSteps(training, planFits(training, dataset.splits.train?.examples ?? 0))
  if (steps !== planned) send({ type: 'planned', steps }) // groups and times are known only now
  let checkpoint = await findCheckpoint(blobs, job.checkpoints)
  let folds = checkpoint?.folds ?? NO_FOLDS
  for (const fit of examples.fits.slice(folds.results.length)) {
    const request = { examples, fit, folds, checkpoint }
    const done = await trainFit(deps, job, request, async trained => {
      if (fit.fold !== null) return evaluateFold(job, fit.fold, folds, trained)
      await finishTraining(deps, job, examples, folds, trained)
      return folds
    })
    if (!done) return
    folds = done
    checkpoint = null
  }
}

async function evaluateFold(
  job: TrainerJob,
  fold: number,
  folds: FoldsDone,
  { program, session, data, place }: TrainedFit,
): Promise<FoldsDone> {
  const { validation } = data
  if (!validation) throw new Error('a fold has examples')
  const { outputUnits } = program
  const score = await evaluateSelection(session, data, validation, outputUnits, reportedMetrics(job))
  assertFinite(score.loss, `on the examples of fold ${fold} at its end`, job.training)
  const { step: steps, epoch: trainedEpochs, stopping } = place
  const isRestored = job.training.earlyStopping?.restoreBest === true && stopping.best !== null
  const epochs = isRestored ? trainedEpochs - stopping.wait : trainedEpochs
  const result = { fold, examples: validation.count, epochs, trainedEpochs, steps }
  return addFold(folds, result, score, validation.targets, outputUnits)
}
