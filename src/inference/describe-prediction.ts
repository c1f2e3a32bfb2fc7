import type { AppError } from '../errors.ts'
import type { StoredVersion } from '../models/repository.ts'
import { rankClasses, rankIndices } from './rank-classes.ts'
import type { Prediction } from './schemas.ts'

/** How much is told of a prediction. */
export interface DescribeOptions {
  topK: number
  /** Without them, labels only. */
  probabilities: boolean
  /** Say no class where the best is less probable; null: always say one. */
  abstainBelow: number | null
}

/** What the outputs for one input mean. */
export function describePrediction(
  outputs: Float32Array,
  { classes, kind }: Pick<StoredVersion, 'classes' | 'kind'>,
  { probabilities, topK, abstainBelow }: DescribeOptions,
): Prediction {
  if (kind === 'regression') return { values: Array.from(outputs) }
  const top = probabilities || abstainBelow !== null ? rankClasses(outputs, classes, topK) : null
  if (kind === 'multiLabel') {
    return { labels: classes.filter((_, index) => (outputs[index] ?? 0) >= 0.5), ...(top && { top }) }
  }
  if (!top) {
    const [best = 0] = rankIndices(outputs, 1)
    return { label: classes[best] ?? '' }
  }
  const [best = { label: '', probability: 0 }] = top
  const told = probabilities && { probability: best.probability, top }
  if (abstainBelow === null) return { label: best.label, ...told }
  const abstained = best.probability < abstainBelow
  return { label: abstained ? null : best.label, abstained, ...told }
}

/** Why an input has no prediction. */
export function describeFailure({ code, message, errors }: AppError): Prediction {
  return { error: { code, detail: message, pointer: errors[0]?.pointer ?? '' } }
}
