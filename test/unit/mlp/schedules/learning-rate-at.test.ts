import { describe, expect, it } from 'vitest'
import { learningRateAt } from '../../../../src/mlp/schedules/learning-rate-at.ts'
import { resolveSchedule } from '../../../../src/mlp/schedules/schedule.ts'

const STEPS = 100

/** The learning rates of some steps, for the base 0.8. */
function ratesAt(request: Parameters<typeof resolveSchedule>[0], at: readonly number[], steps = STEPS) {
  const schedule = resolveSchedule(request, steps)
  return at.map(step => learningRateAt(schedule, 0.8, step, steps))
}

function expectRates(rates: readonly number[], expected: readonly number[]) {
  expect(rates).toHaveLength(expected.length)
  expected.forEach((rate, index) => {
    expect(rates[index], `of place ${index}`).toBeCloseTo(rate, 14)
  })
}

describe('the learning rate', () => {
  it('is constant unless said otherwise', () => {
    expectRates(ratesAt(undefined, [1, 50, 100]), [0.8, 0.8, 0.8])
    expectRates(ratesAt({ type: 'constant' }, [1, 50, 100]), [0.8, 0.8, 0.8])
  })

  it('goes down in steps', () => {
    const rates = ratesAt({ type: 'step', everySteps: 10, factor: 0.5 }, [1, 10, 11, 20, 21, 100])
    expectRates(rates, [0.8, 0.8, 0.4, 0.4, 0.2, 0.8 / 512])
  })

  it('falls exponentially, by the decay rate in so many steps', () => {
    const exponential = { type: 'exponential', decaySteps: 10, decayRate: 0.01 } as const
    expectRates(ratesAt(exponential, [1, 6, 11, 21]), [0.8, 0.08, 0.008, 0.00008])
    expectRates(
      ratesAt({ ...exponential, staircase: true }, [1, 6, 10, 11, 20]),
      [0.8, 0.8, 0.8, 0.008, 0.008],
    )
  })

  it('falls along half a cosine, and stays at its end', () => {
    const rates = ratesAt({ type: 'cosine', decaySteps: 4, alpha: 0.25 }, [1, 2, 3, 4, 5, 6, 100])
    // From 0.8 to 0.2; a quarter of the way the cosine is √½, which is (0.8 + 0.2) / 2 + 0.3 · √½.
    const [second, fourth] = [0.5 + 0.3 * Math.SQRT1_2, 0.5 - 0.3 * Math.SQRT1_2]
    expectRates(rates, [0.8, second, 0.5, fourth, 0.2, 0.2, 0.2])
  })

  it('falls over the whole training when a cosine has no length', () => {
    expect(resolveSchedule({ type: 'cosine' }, 100)).toMatchObject({ decaySteps: 100, alpha: 0 })
    expect(resolveSchedule({ type: 'cosine', warmupSteps: 20 }, 100)).toMatchObject({ decaySteps: 80 })
    expect(resolveSchedule({ type: 'cosine', warmupSteps: 200 }, 100)).toMatchObject({ decaySteps: 1 })
    expectRates(ratesAt({ type: 'cosine' }, [1, 51]), [0.8, 0.4])
    // One step before the end: 0.4 (1 − cos(π / 100)) = 0.8 sin²(π / 200)
    expectRates(ratesAt({ type: 'cosine' }, [100]), [0.8 * Math.sin(Math.PI / 200) ** 2])
  })

  it('grows from 0 in a warm-up, after which the schedule begins', () => {
    expectRates(
      ratesAt({ type: 'constant', warmupSteps: 4 }, [1, 2, 3, 4, 5, 6]),
      [0, 0.2, 0.4, 0.6, 0.8, 0.8],
    )
    const falling = { type: 'step', everySteps: 2, factor: 0.5, warmupSteps: 2 } as const
    expectRates(ratesAt(falling, [1, 2, 3, 4, 5, 6, 7]), [0, 0.4, 0.8, 0.8, 0.4, 0.4, 0.2])
  })
})

describe('one cycle', () => {
  // The peak is step warmupFraction · steps, as in PyTorch's OneCycleLR.
  it('begins low, peaks, and ends far below where it began', () => {
    expectRates(ratesAt({ type: 'oneCycle' }, [1, 30, 100]), [0.8 / 25, 0.8, 0.8 / 25 / 1e4])
  })

  it('is halfway between two ends in the middle of them', () => {
    const cycle = { type: 'oneCycle', initialDivisor: 4, finalDivisor: 2 } as const
    // Up over steps 1 to 5 of ten, down from step 4 to step 10: from 0.2 to 0.8 to 0.1
    expectRates(ratesAt({ ...cycle, warmupFraction: 0.5 }, [1, 3, 5, 10], 10), [0.2, 0.5, 0.8, 0.1])
    expectRates(ratesAt({ ...cycle, warmupFraction: 0.4 }, [1, 4, 7, 10], 10), [0.2, 0.8, 0.45, 0.1])
  })

  it.each([
    [0.1, 10],
    [0.5, 2],
    [0.3, 1],
    [0.3, 2],
    [0.99, 3],
  ])('with the warm-up %f of %i steps is a number at every step', (warmupFraction, steps) => {
    const all = Array.from({ length: steps }, (_, index) => index + 1)
    const rates = ratesAt({ type: 'oneCycle', warmupFraction }, all, steps)
    for (const rate of rates) expect(rate).toBeGreaterThan(0)
    expect(Math.max(...rates)).toBeLessThanOrEqual(0.8)
  })

  it('begins at its peak when the warm-up is one step', () => {
    expectRates(ratesAt({ type: 'oneCycle', warmupFraction: 0.1 }, [1, 10], 10), [0.8, 0.8 / 25 / 1e4])
  })
})
