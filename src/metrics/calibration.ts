import { Type } from 'typebox'

/** Bins of confidence. @see Guo et al. (2017), "On Calibration of Modern Neural Networks", section 5: M = 15 */
const BINS = 15

const Rate = Type.Number({ minimum: 0, maximum: 1 })
const MaybeRate = Type.Union([Rate, Type.Null()], { description: 'Null in an empty bin.' })

/** How far confidence and being right go together. */
export const ReliabilitySchema = Type.Object({
  expectedCalibrationError: Type.Number({
    minimum: 0,
    maximum: 1,
    description: 'Σ (examples of the bin / all) · |accuracy − confidence|: 0 is best.',
  }),
  logLoss: Type.Number({ description: 'Mean negative log-likelihood.' }),
  bins: Type.Array(
    Type.Object({
      from: Rate,
      to: Rate,
      examples: Type.Integer(),
      accuracy: MaybeRate,
      confidence: MaybeRate,
    }),
    { description: 'By the probability of the predicted class: above `from`, up to `to`.' },
  ),
})

/** How far confidence and being right go together. */
export type Reliability = Type.Static<typeof ReliabilitySchema>

const Examples = Type.Object({ split: Type.String(), examples: Type.Integer() })

/** What temperature scaling does for a model. */
export const CalibrationSchema = Type.Object(
  {
    temperature: Type.Number({
      exclusiveMinimum: 0,
      description: 'What the logits are divided by; above 1: the model is surer than it should be.',
    }),
    fittedOn: Type.Object(Examples.properties, { description: 'Validation examples.' }),
    measuredOn: Type.Object(Examples.properties, {
      description:
        'Those of the evaluation. Where they are the same as `fittedOn`, `after` is a little too good.',
    }),
    before: ReliabilitySchema,
    after: ReliabilitySchema,
  },
  { title: 'Calibration' },
)

/** What temperature scaling does for a model. */
export type Calibration = Type.Static<typeof CalibrationSchema>

/** Sums over examples that decide their reliability. */
export interface ReliabilityCounter {
  /**
   * @param probabilities - `[examples, classes]`, row by row
   * @param labels - class numbers, `[examples]`
   */
  add(probabilities: Float32Array, labels: Int32Array): void
  value(): Reliability
}

/**
 * Bins of equal width by confidence, which is the probability of the most probable class.
 * @see Guo et al. (2017), eq. 2 and 3; Naeini, Cooper & Hauskrecht (2015), "Obtaining well calibrated probabilities"
 */
export function countReliability(): ReliabilityCounter {
  const counts = new Float64Array(BINS)
  const correct = new Float64Array(BINS)
  const confidences = new Float64Array(BINS)
  let logLoss = 0
  return {
    add(probabilities, labels) {
      const classes = probabilities.length / labels.length
      labels.forEach((label, example) => {
        const own = probabilities.subarray(example * classes, (example + 1) * classes)
        const predicted = own.reduce((best, p, index) => (p > (own[best] ?? 0) ? index : best), 0)
        const confidence = Math.min(1, own[predicted] ?? 0)
        const bin = Math.max(0, Math.ceil(confidence * BINS) - 1)
        counts[bin] = (counts[bin] ?? 0) + 1
        correct[bin] = (correct[bin] ?? 0) + (predicted === label ? 1 : 0)
        confidences[bin] = (confidences[bin] ?? 0) + confidence
        logLoss -= Math.log(Math.max(own[label] ?? 0, 2 ** -149)) // the smallest float32
      })
    },
    value() {
      const examples = counts.reduce((sum, count) => sum + count, 0)
      const bins = Array.from(counts, (count, bin) => ({
        from: bin / BINS,
        to: (bin + 1) / BINS,
        examples: count,
        accuracy: count === 0 ? null : (correct[bin] ?? 0) / count,
        confidence: count === 0 ? null : Math.min(1, (confidences[bin] ?? 0) / count),
      }))
      const error = bins.reduce(
        (sum, { examples: own, accuracy, confidence }) =>
          sum + (own / examples) * Math.abs((accuracy ?? 0) - (confidence ?? 0)),
        0,
      )
      return { expectedCalibrationError: Math.min(1, error), logLoss: logLoss / examples, bins }
    },
  }
}
