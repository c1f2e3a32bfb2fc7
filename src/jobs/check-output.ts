import type { DatasetContent } from '../datasets/content.ts'
import type { FieldError } from '../errors.ts'
import { LOSSES, type LossName, lossOf } from '../mlp/losses/registry.ts'
import { countOutputUnits, type Network, outputActivation } from '../mlp/network.ts'
import type { TrainingSpec } from './training-spec.ts'

/** Checks that the last layer fits the loss, and both what the dataset teaches. */
export function checkOutput(
  network: Network,
  inputUnits: number,
  training: TrainingSpec,
  dataset: DatasetContent,
): FieldError[] {
  const place = `/network/layers/${network.layers.length - 1}`
  const activation = outputActivation(network)
  if (activation === null) {
    const detail = `the last layer must be dense or activation; received ${network.layers.at(-1)?.type}`
    return [{ pointer: `${place}/type`, detail }]
  }
  const { task } = dataset
  const classes = dataset.classes.length
  const errors: FieldError[] = []
  if (task === 'classification' && classes < 2) {
    errors.push({
      pointer: '/datasetId',
      detail: `the dataset must have at least 2 classes; it has ${classes}`,
    })
  }
  const { onLogits, allowsOneUnit, tasks } = lossOf(training.loss.type)
  if (!tasks.includes(task)) {
    const fitting = (Object.keys(LOSSES) as LossName[]).filter(name => lossOf(name).tasks.includes(task))
    const detail = `must be one of ${fitting.join(', ')} for ${task}; received ${training.loss.type}`
    errors.push({ pointer: '/training/loss', detail })
    return errors
  }
  if (onLogits !== null && activation !== onLogits) {
    const detail = `the last activation must be ${onLogits} for ${training.loss.type}; received ${activation}`
    errors.push({ pointer: `${place}/activation`, detail })
  }
  const units = countOutputUnits(network, inputUnits)
  const wanted = task === 'regression' ? countTargets(dataset) : classes
  const oneUnitWill = task === 'classification' && allowsOneUnit && activation !== 'softmax' && classes === 2
  if (units !== wanted && !(oneUnitWill && units === 1)) {
    const orOne = oneUnitWill ? ', or 1' : ''
    const each = task === 'regression' ? 'target' : 'class'
    const detail = `the last layer must have ${wanted} units, one for each ${each}${orOne}; received ${units}`
    errors.push({ pointer: `${place}/units`, detail })
  }
  return errors
}

/** What a regression learns; arrays do not name it. */
function countTargets({ targets }: DatasetContent): number {
  return Math.max(1, targets.length)
}
