import { Value } from 'typebox/value'
import { describe, expect, it } from 'vitest'
import {
  EvaluationSchema,
  evaluateClasses,
  evaluateLabels,
  evaluateNumbers,
} from '../../../src/metrics/evaluation-report.ts'

/** Six examples: four cats, of which one is taken for a dog; two dogs, one taken for a cat; nothing is a bird. */
const report = evaluateClasses(
  { split: 'test', loss: 0.5, metrics: {} },
  ['cat', 'dog', 'bird'],
  [0, 0, 0, 0, 1, 1],
  [0, 0, 0, 1, 1, 0],
)

describe('an evaluation', () => {
  it('counts actual classes in rows and predicted ones in columns', () => {
    expect(report.confusionMatrix).toEqual({
      labels: ['cat', 'dog', 'bird'],
      counts: [
        [3, 1, 0],
        [1, 1, 0],
        [0, 0, 0],
      ],
    })
  })

  it('gives precision, recall and F1 of each class', () => {
    expect(report.classes.slice(0, 2)).toEqual([
      { label: 'cat', precision: 3 / 4, recall: 3 / 4, f1: 3 / 4, support: 4 },
      { label: 'dog', precision: 1 / 2, recall: 1 / 2, f1: 1 / 2, support: 2 },
    ])
  })

  it('gives null where there is nothing to divide by', () => {
    expect(report.classes[2]).toEqual({ label: 'bird', precision: null, recall: null, f1: null, support: 0 })
  })

  it('gives null for the precision alone of a class that is never predicted', () => {
    const { classes } = evaluateClasses({ split: 'test', loss: 1, metrics: {} }, ['a', 'b'], [0, 1], [0, 0])
    expect(classes).toEqual([
      { label: 'a', precision: 1 / 2, recall: 1, f1: 2 / 3, support: 1 },
      { label: 'b', precision: null, recall: 0, f1: 0, support: 1 },
    ])
  })

  it('averages over classes with an undefined rate as 0, and over examples by support', () => {
    expect(report.metrics.accuracy).toBeCloseTo(4 / 6, 15)
    for (const rate of ['precision', 'recall', 'f1'] as const) {
      expect(report.macro[rate]).toBeCloseTo((3 / 4 + 1 / 2 + 0) / 3, 15)
      expect(report.weighted[rate]).toBeCloseTo((3 / 4) * (4 / 6) + (1 / 2) * (2 / 6), 15)
    }
  })

  it('says where the examples are from, how many, and their loss', () => {
    expect(report).toMatchObject({ split: 'test', examples: 6, loss: 0.5 })
  })

  it('fits its own schema when all is right, whatever the rounding of the weights', () => {
    const classes = Array.from({ length: 7 }, (_, index) => index)
    const actual = classes.flatMap(index => new Array<number>(index + 1).fill(index))
    const labels = classes.map(String)
    const perfect = evaluateClasses({ split: 'test', loss: 0, metrics: {} }, labels, actual, actual)
    expect(perfect.metrics).toEqual({ accuracy: 1 })
    expect(Value.Check(EvaluationSchema, perfect)).toBe(true)
  })
})

describe('an evaluation of several labels', () => {
  const several = evaluateLabels(
    { split: 'test', loss: 0.1, metrics: {} },
    ['red', 'round'],
    Float32Array.of(1, 0, 1, 1, 0, 0),
    Float32Array.of(0.9, 0.5, 0.4, 0.8, 0.1, 0.2),
  )

  it('takes a label from 0.5 on, and counts each by itself', () => {
    expect(several).toMatchObject({
      task: 'multiLabel',
      examples: 3,
      exactMatches: 1 / 3,
      classes: [
        { label: 'red', precision: 1, recall: 1 / 2, f1: 2 / 3, support: 2 },
        { label: 'round', precision: 1 / 2, recall: 1, f1: 2 / 3, support: 1 },
      ],
    })
    expect(Value.Check(EvaluationSchema, several)).toBe(true)
  })
})

describe('an evaluation of numbers', () => {
  const numbers = evaluateNumbers(
    { split: 'validation', loss: 0.1, metrics: {} },
    ['price', 'same'],
    Float32Array.of(1, 5, 2, 5, 3, 5, 6, 5),
    Float32Array.of(2, 5, 2, 4, 2, 5, 6, 7),
  )

  it('gives errors in the units of each target, and no R² of one that never changes', () => {
    expect(numbers).toMatchObject({
      task: 'regression',
      examples: 4,
      targets: [
        {
          name: 'price',
          meanAbsoluteError: 0.5,
          rootMeanSquaredError: Math.sqrt(0.5),
          r2: 1 - 2 / 14,
          residuals: { min: -1, max: 1 },
        },
        { name: 'same', meanAbsoluteError: 0.75, r2: null, residuals: { min: -1, max: 2 } },
      ],
    })
    expect(Value.Check(EvaluationSchema, numbers)).toBe(true)
  })
})
