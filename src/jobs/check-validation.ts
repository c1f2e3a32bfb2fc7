import type { DatasetContent } from '../datasets/content.ts'
import type { FieldError } from '../errors.ts'
import { countHeldOut } from './plan-fits.ts'
import type { FoldsValidation, FractionValidation, TrainingSpec } from './training-spec.ts'

/** The history of a job has so many rows at most. */
const EPOCHS_MAX = 10_000

/** Checks that there are rows to validate on, and that how they are chosen suits the data. */
export function checkValidation(training: TrainingSpec, dataset: DatasetContent): FieldError[] {
  const { splits } = dataset
  const { validation } = training
  if (validation === null) return []
  if ('split' in validation) {
    if (splits[validation.split]) return []
    const detail = `the dataset has no split ${validation.split}; it has ${Object.keys(splits).join(', ')}`
    return [{ pointer: '/training/validation/split', detail }]
  }
  const examples = splits.train?.examples ?? 0
  if ('folds' in validation) return checkFolds(validation, training, dataset)
  if (!('fraction' in validation)) return [wrong('', 'one of split, fraction and folds is required')]
  if (countHeldOut(training, examples) >= 1) return checkHoldOut(validation, dataset)
  const detail = `the fraction must hold out at least one of ${examples} examples; received ${validation.fraction}`
  return [wrong('/fraction', detail)]
}

function wrong(place: string, detail: string): FieldError {
  return { pointer: `/training/validation${place}`, detail }
}

function checkFolds(
  validation: FoldsValidation,
  { epochs }: TrainingSpec,
  dataset: DatasetContent,
): FieldError[] {
  const { folds, stratify, group } = validation
  if ('fraction' in validation) return [wrong('/folds', 'only one of fraction and folds may be given')]
  const examples = dataset.splits.train?.examples ?? 0
  if (folds > examples) {
    const detail = `each fold must have at least one of ${examples} examples; received ${folds} folds`
    return [wrong('/folds', detail)]
  }
  const all = epochs * (folds + 1)
  if (all > EPOCHS_MAX) {
    const detail = `the epochs of ${folds} folds and of the model may be ${EPOCHS_MAX} together; they are ${all}`
    return [{ pointer: '/training/epochs', detail }]
  }
  if (stratify && dataset.task !== 'classification') return [refuseStratify(dataset)]
  if (group === undefined) return []
  const column = dataset.columns?.find(({ name }) => name === group)
  if (!column) return [refuseColumn('group', group)]
  if (column.type !== 'categorical') return [] // how many groups there are shows when the rows are read
  const groups = column.counts.filter(count => count > 0).length + Math.min(1, column.missing)
  if (groups >= folds) return []
  return [
    wrong('/folds', `each fold must have a group; ${group} has ${groups} groups; received ${folds} folds`),
  ]
}

/** How the rows of a fraction are chosen must suit the data. */
function checkHoldOut({ stratify, group, time }: FractionValidation, dataset: DatasetContent): FieldError[] {
  const ways = [stratify && 'stratify', group !== undefined && 'group', time !== undefined && 'time']
  const given = ways.filter(way => typeof way === 'string')
  if (given.length > 1) return [wrong(`/${given[1]}`, `at most one may be given of ${given.join(' and ')}`)]
  if (stratify && dataset.task !== 'classification') return [refuseStratify(dataset)]
  const name = group ?? time
  if (name === undefined) return []
  const column = dataset.columns?.find(one => one.name === name)
  const place = group === undefined ? 'time' : 'group'
  if (!column) return [refuseColumn(place, name)]
  const isOrdered = column.type === 'datetime' || column.type === 'numeric'
  if (place === 'group' || isOrdered) return []
  return [wrong(`/${place}`, `must be a column of times or numbers; ${name} is ${column.type}`)]
}

function refuseStratify({ task }: DatasetContent): FieldError {
  return wrong('/stratify', `only classes can be kept in proportion; the task is ${task}`)
}

function refuseColumn(place: 'group' | 'time', name: string): FieldError {
  return wrong(`/${place}`, `must be a column of the dataset; received ${JSON.stringify(name)}`)
}
