import { describe, expect, it } from 'vitest'
import { judgeEpoch, resolveEarlyStopping, STOPPING_START } from '../../../src/mlp/early-stopping.ts'

type Request = Parameters<typeof resolveEarlyStopping>[0]

/** The epoch after which the training ends, null if it does not, and the epochs that were the best so far. */
function stop(request: Request, metrics: readonly number[]) {
  const rule = resolveEarlyStopping({ monitor: 'valLoss', ...request }, true)
  const bests: number[] = []
  let state = STOPPING_START
  for (const [index, metric] of metrics.entries()) {
    const verdict = judgeEpoch(rule, state, index + 1, metric)
    state = verdict.state
    if (verdict.isBest) bests.push(index + 1)
    if (state.isOver) return { after: index + 1, bests }
  }
  return { after: null, bests }
}

// The sequences are worked out by hand from on_epoch_end of keras/src/callbacks/early_stopping.py.
describe('early stopping', () => {
  it('ends a training when the metric has not improved for its patience', () => {
    expect(stop({ patience: 2 }, [5, 4, 4, 3, 3, 3.5, 1])).toEqual({ after: 6, bests: [1, 2, 4] })
    expect(stop({ patience: 3 }, [5, 4, 4, 3, 3, 3.5, 1])).toEqual({ after: null, bests: [1, 2, 4, 7] })
  })

  it('of patience 0 or 1 ends at the first epoch that is no better, never at the first of all', () => {
    for (const patience of [0, 1]) {
      expect(stop({ patience }, [5, 4, 4])).toEqual({ after: 3, bests: [1, 2] })
      expect(stop({ patience }, [Number.NaN, Number.NaN])).toEqual({ after: 2, bests: [] })
    }
  })

  it('takes a change of minDelta or less for none', () => {
    expect(stop({ patience: 2, minDelta: 0.5 }, [3, 2.75, 2.5, 1])).toEqual({ after: 3, bests: [1] })
    expect(stop({ patience: 2, minDelta: 0.5 }, [3, 2.75, 2.25, 2])).toEqual({ after: null, bests: [1, 3] })
  })

  it('does not look at the epochs before startFromEpoch', () => {
    expect(stop({ patience: 1, startFromEpoch: 3 }, [1, 2, 3, 4, 5])).toEqual({ after: 5, bests: [4] })
  })

  it.each(['valAccuracy', 'accuracy', 'valAuc', 'f1', 'valTop5Accuracy', 'valR2'])(
    'wants %s to grow',
    monitor => {
      expect(stop({ monitor, patience: 1 }, [0.5, 0.6, 0.6])).toEqual({ after: 3, bests: [1, 2] })
    },
  )

  it.each(['loss', 'logLoss', 'valMeanSquaredError', 'rootMeanSquaredError'])(
    'wants %s to shrink',
    monitor => {
      expect(stop({ monitor, patience: 1 }, [0.6, 0.5, 0.5])).toEqual({ after: 3, bests: [1, 2] })
    },
  )

  it('counts epochs without the metric, which are never the best', () => {
    const { NaN: none } = Number
    expect(stop({ patience: 2 }, [none, 3, none, 2, none, none])).toEqual({ after: 6, bests: [2, 4] })
  })

  it('has Keras’s defaults, and watches the loss of the validation if there is one', () => {
    const defaults = { minDelta: 0, patience: 0, startFromEpoch: 0, restoreBest: false }
    expect(resolveEarlyStopping({}, true)).toEqual({ monitor: 'valLoss', ...defaults })
    expect(resolveEarlyStopping({}, false)).toEqual({ monitor: 'loss', ...defaults })
  })
})
