import { describe, expect, it } from 'vitest'
import { summarizeFolds } from '../../../src/metrics/fold-summary.ts'

const fold = (number: number, loss: number, auc: number | null) => ({
  fold: number,
  examples: 10,
  epochs: 3,
  loss,
  metrics: { auc },
})

describe('the summary of folds', () => {
  it('has the mean and the deviation of the sample', () => {
    const folds = [fold(1, 2, 0.5), fold(2, 4, 0.75), fold(3, 9, 1)]
    const { mean, deviation, ...rest } = summarizeFolds(folds)
    expect(rest).toEqual({ folds })
    expect(mean).toEqual({ loss: 5, metrics: { auc: 0.75 } })
    expect(deviation.loss).toBeCloseTo(Math.sqrt((9 + 1 + 16) / 2), 12)
    expect(deviation.metrics.auc).toBeCloseTo(0.25, 12)
  })

  it('leaves out folds that do not define a metric', () => {
    expect(summarizeFolds([fold(1, 1, 0.5), fold(2, 1, null), fold(3, 1, 1)]).mean.metrics.auc).toBe(0.75)
    const one = summarizeFolds([fold(1, 1, 0.5), fold(2, 1, null)])
    expect([one.mean.metrics.auc, one.deviation.metrics.auc]).toEqual([0.5, null])
    expect(summarizeFolds([fold(1, 1, null), fold(2, 1, null)]).mean.metrics.auc).toBeNull()
  })
})
