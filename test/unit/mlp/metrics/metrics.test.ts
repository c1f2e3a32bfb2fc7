import { describe, expect, it } from 'vitest'
import { directionOf, metricOf, validationName } from '../../../../src/mlp/metrics/registry.ts'
import { createRandom } from '../../../../src/mlp/random.ts'

type Rows = readonly (readonly number[])[]

/** A metric of predictions, a row for each example, and their labels. */
function measure(
  name: string,
  predictions: Rows,
  labels: readonly number[],
  units = predictions[0]?.length ?? 1,
) {
  const accumulator = metricOf(name).accumulate(units)
  accumulator.add(Float32Array.from(predictions.flat()), Int32Array.from(labels))
  return accumulator.value()
}

const column = (...predictions: number[]): Rows => predictions.map(prediction => [prediction])

/** Three classes, of which 0, 0, 0, 1, 1, 2 are predicted as 0, 0, 1, 1, 2, 2. */
const PREDICTIONS: Rows = [
  [0.7, 0.2, 0.1],
  [0.5, 0.2, 0.3],
  [0.3, 0.6, 0.1],
  [0.2, 0.5, 0.3],
  [0.1, 0.3, 0.6],
  [0.2, 0, 0.8],
]
const LABELS = [0, 0, 0, 1, 1, 2]

const ALL = [
  'accuracy',
  'top2Accuracy',
  'precision',
  'recall',
  'f1',
  'precisionWeighted',
  'recallWeighted',
  'f1Weighted',
  'auc',
  'logLoss',
  'meanSquaredError',
  'meanAbsoluteError',
  'rootMeanSquaredError',
  'r2',
]

describe('of three classes', () => {
  it.each([
    ['accuracy', 4 / 6],
    ['top1Accuracy', 4 / 6],
    ['top2Accuracy', 1], // both that are missed are second
    ['top3Accuracy', 1],
    // Class 0: 2 found, 2 predicted, 3 there. Class 1: 1, 2, 2. Class 2: 1, 2, 1.
    ['precision', (1 + 1 / 2 + 1 / 2) / 3],
    ['recall', (2 / 3 + 1 / 2 + 1) / 3],
    ['f1', (4 / 5 + 1 / 2 + 2 / 3) / 3],
    ['precisionWeighted', (3 * 1 + 2 / 2 + 1 / 2) / 6],
    ['recallWeighted', 4 / 6],
    ['f1Weighted', (3 * (4 / 5) + 2 * (1 / 2) + 2 / 3) / 6],
  ])('%s is %f', (name, expected) => {
    expect(measure(name, PREDICTIONS, LABELS)).toBeCloseTo(expected, 14)
  })

  it('top-k leaves out labels that k others are above, and not those that are as probable', () => {
    const row = [0.4, 0.1, 0.2, 0.2, 0.1]
    const among = (k: number) => [0, 1, 2, 3, 4].map(label => measure(`top${k}Accuracy`, [row], [label]))
    expect(among(1)).toEqual([1, 0, 0, 0, 0])
    expect(among(2)).toEqual([1, 0, 1, 1, 0])
    expect(among(3)).toEqual([1, 0, 1, 1, 0])
    expect(among(4)).toEqual([1, 1, 1, 1, 1])
  })

  it('a class that is never predicted, or never there, has the rate 0', () => {
    const [always, half] = [
      [1, 0, 0],
      [0, 1, 0],
    ]
    expect(measure('precision', [always, always], [0, 1])).toBeCloseTo(1 / 2 / 3, 14)
    expect(measure('recall', [always, half], [0, 0])).toBeCloseTo(1 / 2 / 3, 14)
    expect(measure('f1', [always, half], [2, 2])).toBe(0)
    expect(measure('recallWeighted', [always, half], [0, 0])).toBeCloseTo(1 / 2, 14)
  })

  it('errors are over all units against 1 for the label and 0 for the others', () => {
    const rows = [
      [0.75, 0.25],
      [0.5, 0.5],
    ]
    // Differences: −1/4, 1/4, −1/2, 1/2
    expect(measure('meanSquaredError', rows, [0, 0])).toBeCloseTo((1 / 16 + 1 / 4) / 2, 14)
    expect(measure('meanAbsoluteError', rows, [0, 0])).toBeCloseTo(3 / 8, 14)
    expect(measure('rootMeanSquaredError', rows, [0, 0])).toBeCloseTo(Math.sqrt(5 / 32), 14)
  })

  it('the log loss is of the label’s probability, which is kept from 0', () => {
    const rows = [
      [0.25, 0.5, 0.25],
      [0.5, 0.5, 0],
    ]
    expect(measure('logLoss', rows, [0, 1])).toBeCloseTo((Math.log(4) + Math.log(2)) / 2, 14)
    expect(measure('logLoss', rows, [1, 2])).toBeCloseTo((Math.log(2) + 7 * Math.log(10)) / 2, 9)
  })

  it('r2 is the mean over the units whose target changes', () => {
    const rows = [
      [0.75, 0.25, 0.5],
      [0.5, 0.5, 0.5],
    ]
    // Unit 0: targets 1 and 0, errors 1/16 + 1/4 over a spread of 1/2; unit 1 likewise; unit 2 is always 0.
    expect(measure('r2', rows, [0, 1])).toBeCloseTo(1 - 5 / 16 / (1 / 2), 14)
  })
})

describe('of two classes that one unit stands for', () => {
  const predictions = column(0.75, 0.5, 0.25, 0.125, 0.625)
  const labels = [1, 1, 1, 0, 0]
  it.each([
    ['accuracy', 3 / 5], // from 0.5 on it is class 1
    ['top1Accuracy', 3 / 5],
    ['top2Accuracy', 1],
    // Class 0: 1 found, 2 predicted, 2 there. Class 1: 2, 3, 3.
    ['precision', (1 / 2 + 2 / 3) / 2],
    ['recall', (1 / 2 + 2 / 3) / 2],
    ['recallWeighted', 3 / 5],
    // Pairs of class 1 over class 0: 0.75 over both, 0.5 and 0.25 over one.
    ['auc', 4 / 6],
    [
      'logLoss',
      -(Math.log(3 / 4) + Math.log(1 / 2) + Math.log(1 / 4) + Math.log(7 / 8) + Math.log(3 / 8)) / 5,
    ],
    ['meanSquaredError', (4 + 16 + 36 + 1 + 25) / 64 / 5],
    ['meanAbsoluteError', (2 + 4 + 6 + 1 + 5) / 8 / 5],
    ['r2', 1 - 82 / 64 / (3 - 9 / 5)], // Σ y² − (Σ y)² / 5
  ])('%s is %f', (name, expected) => {
    expect(measure(name, predictions, labels)).toBeCloseTo(expected, 14)
  })
})

describe('the area under the curve', () => {
  /** Every pair of an example of the class and another: 1 where it is higher, ½ where equal. */
  function countPairs(scores: readonly number[], isOfClass: (example: number) => boolean): number {
    const indices = [...scores.keys()]
    const [own, others] = [indices.filter(isOfClass), indices.filter(example => !isOfClass(example))]
    const wins = own.flatMap(a => others.map(b => (Math.sign((scores[a] ?? 0) - (scores[b] ?? 0)) + 1) / 2))
    return wins.reduce((sum, win) => sum + win, 0) / wins.length
  }

  const random = createRandom(4, 'auc')
  const draw = (count: number, units: number) =>
    // In the middle of a bin of 0.001, few enough that many are equal.
    Array.from({ length: count }, () =>
      Array.from({ length: units }, () => (random.integer(30) * 30 + 0.5) / 1_000),
    )

  it('is the part of the pairs that are in order, for one unit', () => {
    const rows = draw(60, 1)
    const labels = rows.map(() => random.integer(2))
    const scores = rows.map(([score = 0]) => score)
    expect(measure('auc', rows, labels)).toBeCloseTo(
      countPairs(scores, example => labels[example] === 1),
      14,
    )
  })

  it('is the mean over one class against the rest, for several units', () => {
    const rows = draw(80, 3)
    const labels = rows.map(() => random.integer(3))
    const areas = [0, 1, 2].map(label =>
      countPairs(
        rows.map(row => row[label] ?? 0),
        example => labels[example] === label,
      ),
    )
    expect(measure('auc', rows, labels)).toBeCloseTo(areas.reduce((sum, area) => sum + area) / 3, 14)
  })

  it('leaves out classes that no example is of', () => {
    const rows = draw(40, 3)
    const labels = rows.map(() => random.integer(2))
    const areas = [0, 1].map(label =>
      countPairs(
        rows.map(row => row[label] ?? 0),
        example => labels[example] === label,
      ),
    )
    expect(measure('auc', rows, labels)).toBeCloseTo(areas.reduce((sum, area) => sum + area) / 2, 14)
  })

  it.each([
    [[0.1, 0.2, 0.8, 0.9], 1],
    [[0.9, 0.8, 0.2, 0.1], 0],
    [[0.5, 0.5, 0.5, 0.5], 0.5],
    [[0, 0, 1, 1], 1],
    [[-3, -2, 2, 3], 1], // outputs that are no probabilities are cut off
  ])('of %j for 0, 0, 1, 1 is %f', (scores, area) => {
    expect(measure('auc', column(...scores), [0, 0, 1, 1])).toBe(area)
  })
})

describe('a metric', () => {
  it.each(ALL)('%s without examples is not defined', name => {
    for (const units of [1, 3]) expect(measure(name, [], [], units)).toBeNull()
  })

  it.each(['auc', 'r2'])('%s of a single class is not defined', name => {
    expect(measure(name, PREDICTIONS.slice(0, 3), [1, 1, 1])).toBeNull()
    expect(measure(name, column(0.1, 0.9), [0, 0])).toBeNull()
  })

  it.each(ALL)('%s goes on from sums that were stored in the middle, to the last bit', name => {
    const whole = metricOf(name).accumulate(3)
    const first = metricOf(name).accumulate(3)
    const second = metricOf(name).accumulate(3)
    const parts = [0, 2, 3, 6].map((to, index, all) => [all[index - 1] ?? 0, to] as const)
    for (const [index, [from, to]] of parts.entries()) {
      const predictions = Float32Array.from(PREDICTIONS.slice(from, to).flat())
      const labels = Int32Array.from(LABELS.slice(from, to))
      whole.add(predictions, labels)
      if (index === 2) second.sums.set(first.sums)
      ;(index < 2 ? first : second).add(predictions, labels)
    }
    expect(whole.value()).not.toBeNull()
    expect(second.value()).toBe(whole.value())
    expect(second.value()).toBe(measure(name, PREDICTIONS, LABELS))
  })

  it.each(ALL)('%s does not depend on how many examples come at a time, to the last bit', name => {
    const random = createRandom(2, 'chunks')
    const predictions = Float32Array.from({ length: 600 }, random.uniform)
    const labels = Int32Array.from({ length: 200 }, () => random.integer(3))
    const valueIn = (chunk: number) => {
      const accumulator = metricOf(name).accumulate(3)
      for (let from = 0; from < 200; from += chunk) {
        const to = from + chunk
        accumulator.add(predictions.subarray(3 * from, 3 * to), labels.subarray(from, to))
      }
      return accumulator.value()
    }
    for (const chunk of [1, 7, 64]) expect(valueIn(chunk), `by ${chunk}`).toBe(valueIn(200))
  })

  it('has the name of its validation, and the same direction there', () => {
    expect(validationName('top5Accuracy')).toBe('valTop5Accuracy')
    for (const name of ALL) expect(directionOf(validationName(name))).toBe(directionOf(name))
    expect(ALL.filter(name => directionOf(name) === 'min')).toEqual([
      'logLoss',
      'meanSquaredError',
      'meanAbsoluteError',
      'rootMeanSquaredError',
    ])
  })

  it.each(['top0Accuracy', 'top100Accuracy', 'toString', 'Accuracy', ''])('%j is none', name => {
    expect(() => metricOf(name)).toThrow('there is no metric')
  })
})
