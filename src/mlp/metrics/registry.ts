import { Type } from 'typebox'
import type { Task } from '../task.ts'
import { accuracy, topKAccuracy } from './accuracy.ts'
import { auc } from './auc.ts'
import { classRate } from './class-rates.ts'
import { logLoss, meanAbsoluteError, meanSquaredError, r2, rootMeanSquaredError } from './errors.ts'
import type { Metric } from './metric.ts'

const METRICS = {
  accuracy,
  precision: classRate('precision', 'macro'),
  recall: classRate('recall', 'macro'),
  f1: classRate('f1', 'macro'),
  precisionWeighted: classRate('precision', 'weighted'),
  recallWeighted: classRate('recall', 'weighted'),
  f1Weighted: classRate('f1', 'weighted'),
  auc,
  logLoss,
  meanSquaredError,
  meanAbsoluteError,
  rootMeanSquaredError,
  r2,
} as const satisfies Record<string, Metric>

/** `top5Accuracy`: the label is among the five most probable classes. */
const TOP_K = /^top([1-9]\d?)Accuracy$/

/** A metric by name; those of classes are averaged over the classes. */
export const MetricSchema = Type.String({
  pattern: `^(${Object.keys(METRICS).join('|')}|top[1-9][0-9]?Accuracy)$`,
  description: `One of ${Object.keys(METRICS).join(', ')}, or top1Accuracy to top99Accuracy.`,
})

/** A metric by its name. @throws Error when there is none: names are checked by their schema */
export function metricOf(name: string): Metric {
  if (Object.hasOwn(METRICS, name)) return METRICS[name as keyof typeof METRICS]
  const [, k] = TOP_K.exec(name) ?? []
  if (k === undefined) throw new Error(`there is no metric ${name}`)
  return topKAccuracy(Number(k))
}

/** Metrics that are measured when none are asked for. */
export function defaultMetrics(task: Task): string[] {
  return task === 'regression' ? ['meanAbsoluteError', 'r2'] : ['accuracy']
}

/** Whether more or less of an epoch's metric is better: `valLoss` and `loss` are losses, `valAuc` is an AUC. */
export function directionOf(name: string): Metric['direction'] {
  const plain = name.startsWith('val') ? name.charAt(3).toLowerCase() + name.slice(4) : name
  return plain === 'loss' ? 'min' : metricOf(plain).direction
}

/** The name of a metric on validation examples: `valAccuracy`. */
export function validationName(name: string): string {
  return `val${name.charAt(0).toUpperCase()}${name.slice(1)}`
}
