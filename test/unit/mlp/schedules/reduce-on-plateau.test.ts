import { describe, expect, it } from 'vitest'
import {
  afterEpoch,
  PLATEAU_START,
  resolveReduceOnPlateau,
} from '../../../../src/mlp/schedules/reduce-on-plateau.ts'

type Request = Parameters<typeof resolveReduceOnPlateau>[0]

/** The learning rate of the epoch after each of these, for the scheduled one 1. */
function ratesAfter(request: Request, metrics: readonly number[]): number[] {
  const rule = resolveReduceOnPlateau({ monitor: 'valLoss', minDelta: 0, factor: 0.5, ...request }, true)
  let state = PLATEAU_START
  return metrics.map(metric => {
    state = afterEpoch(rule, state, metric, 1)
    return state.factor
  })
}

// The sequences are worked out by hand from on_epoch_end of keras/src/callbacks/reduce_lr_on_plateau.py.
describe('a plateau', () => {
  it('lowers the learning rate after its patience, and then counts anew', () => {
    expect(ratesAfter({ patience: 2 }, [3, 2, 2, 2, 2, 2, 1, 1, 1])).toEqual([
      1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125,
    ])
  })

  it('of patience 0 or 1 is every epoch that is no better', () => {
    for (const patience of [0, 1]) expect(ratesAfter({ patience }, [3, 3, 2, 3])).toEqual([1, 0.5, 0.5, 0.25])
  })

  it('does not end by less than minDelta', () => {
    expect(ratesAfter({ patience: 1, minDelta: 0.5 }, [3, 2.75, 2.5, 2.25])).toEqual([1, 0.5, 0.25, 0.25])
  })

  it('is not counted while the last one cools down', () => {
    // Reduced after the second; two epochs cool down, of which the second counts again as one.
    expect(ratesAfter({ patience: 1, cooldown: 2 }, [1, 1, 1, 1, 1, 1])).toEqual([
      1, 0.5, 0.5, 0.25, 0.25, 0.125,
    ])
    expect(ratesAfter({ patience: 2, cooldown: 3 }, [1, 1, 1, 1, 1, 1, 1])).toEqual([
      1, 1, 0.5, 0.5, 0.5, 0.5, 0.25,
    ])
  })

  it('is measured from a best that is found while it cools down', () => {
    expect(ratesAfter({ patience: 1, cooldown: 3 }, [5, 5, 1, 4, 4, 4])).toEqual([
      1, 0.5, 0.5, 0.5, 0.25, 0.25,
    ])
  })

  it('lowers no further than minLearningRate', () => {
    expect(ratesAfter({ patience: 1, minLearningRate: 0.3 }, [1, 1, 1, 1])).toEqual([1, 0.5, 0.3, 0.3])
  })

  it('of a metric that should grow is where it does not', () => {
    expect(ratesAfter({ monitor: 'valAccuracy', patience: 1 }, [0.5, 0.6, 0.6, 0.7])).toEqual([
      1, 1, 0.5, 0.5,
    ])
  })

  it('counts epochs without the metric, which are never the best', () => {
    const { NaN: none } = Number
    expect(ratesAfter({ patience: 2 }, [none, 3, none, none, 2])).toEqual([1, 1, 1, 0.5, 0.5])
  })

  it('has Keras’s defaults, and watches the loss of the validation if there is one', () => {
    const defaults = { minDelta: 1e-4, factor: 0.1, patience: 10, cooldown: 0, minLearningRate: 0 }
    expect(resolveReduceOnPlateau({}, true)).toEqual({ monitor: 'valLoss', ...defaults })
    expect(resolveReduceOnPlateau({}, false)).toEqual({ monitor: 'loss', ...defaults })
  })
})
