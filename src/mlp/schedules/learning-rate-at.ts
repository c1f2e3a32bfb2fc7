import type { Schedule } from './schedule.ts'

/**
 * The learning rate of a step. A warm-up grows linearly, η s / w after s of w steps, then the schedule begins with
 * its own step 0:
 * - step: η factor^⌊s / everySteps⌋
 * - exponential: η decayRate^(s / decaySteps), the exponent rounded down on a staircase
 * - cosine: η ((1 − α) (1 + cos(π min(s, d) / d)) / 2 + α)
 * - one cycle: a cosine from η / initialDivisor up to η, then down to η / initialDivisor / finalDivisor
 * @param base - `optimizer.learningRate`; the peak of a cycle
 * @param step - 1 for the first step of the training
 * @param steps - of the whole training
 * @see keras/src/optimizers/schedules/learning_rate_schedule.py: steps count from 0 there
 * @see Loshchilov & Hutter (2017), "SGDR", eq. 5, for the cosine
 * @see Smith & Topin (2018), "Super-convergence", in the form of PyTorch's OneCycleLR
 */
export function learningRateAt(schedule: Schedule, base: number, step: number, steps: number): number {
  const index = step - 1
  if (schedule.type === 'oneCycle') return base * oneCycle(schedule, index, steps)
  const { warmupSteps } = schedule
  return index < warmupSteps ? (base * index) / warmupSteps : base * decay(schedule, index - warmupSteps)
}

function decay(schedule: Exclude<Schedule, { type: 'oneCycle' }>, index: number): number {
  switch (schedule.type) {
    case 'constant':
      return 1
    case 'step':
      return schedule.factor ** Math.floor(index / schedule.everySteps)
    case 'exponential': {
      const exponent = index / schedule.decaySteps
      return schedule.decayRate ** (schedule.staircase ? Math.floor(exponent) : exponent)
    }
    case 'cosine': {
      const done = Math.min(index, schedule.decaySteps) / schedule.decaySteps
      return cosine(1, schedule.alpha, done)
    }
  }
}

function oneCycle(
  { warmupFraction, initialDivisor, finalDivisor }: Extract<Schedule, { type: 'oneCycle' }>,
  index: number,
  steps: number,
): number {
  const first = 1 / initialDivisor
  const peak = warmupFraction * steps - 1
  if (index <= peak) return cosine(first, 1, peak > 0 ? index / peak : 1) // the first step may be the peak
  return cosine(1, first / finalDivisor, Math.min(1, (index - peak) / (steps - 1 - peak || 1)))
}

/** From `from` to `to` along half a wave, `done` in 0 … 1. */
function cosine(from: number, to: number, done: number): number {
  return to + ((from - to) * (1 + Math.cos(Math.PI * done))) / 2
}
