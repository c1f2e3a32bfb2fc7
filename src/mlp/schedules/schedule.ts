import { Type } from 'typebox'
import { discriminatedUnion } from '../discriminated-union.ts'

const WarmupSteps = Type.Optional(
  Type.Integer({
    minimum: 0,
    maximum: 1e9,
    description: 'The learning rate grows from 0 over so many steps before the schedule begins. Default: 0.',
  }),
)
const Steps = Type.Integer({ minimum: 1, maximum: 1e9 })
const Fraction = Type.Number({ minimum: 0, maximum: 1 })
const strict = { additionalProperties: false } as const

/** How the learning rate changes over the training, in a request; `optimizer.learningRate` is where it begins. */
export const ScheduleSchema = discriminatedUnion(
  [
    Type.Object(
      { type: Type.Literal('constant'), warmupSteps: WarmupSteps },
      { ...strict, title: 'Constant' },
    ),
    Type.Object(
      {
        type: Type.Literal('step'),
        everySteps: Steps,
        factor: Type.Number({ exclusiveMinimum: 0, maximum: 1 }),
        warmupSteps: WarmupSteps,
      },
      { ...strict, title: 'Step' },
    ),
    Type.Object(
      {
        type: Type.Literal('exponential'),
        decaySteps: Steps,
        decayRate: Type.Number({ exclusiveMinimum: 0, maximum: 1 }),
        staircase: Type.Optional(Type.Boolean()),
        warmupSteps: WarmupSteps,
      },
      { ...strict, title: 'Exponential' },
    ),
    Type.Object(
      {
        type: Type.Literal('cosine'),
        decaySteps: Type.Optional(Steps),
        alpha: Type.Optional(Fraction),
        warmupSteps: WarmupSteps,
      },
      { ...strict, title: 'Cosine' },
    ),
    Type.Object(
      {
        type: Type.Literal('oneCycle'),
        warmupFraction: Type.Optional(Type.Number({ exclusiveMinimum: 0, exclusiveMaximum: 1 })),
        initialDivisor: Type.Optional(Type.Number({ minimum: 1, maximum: 1e9 })),
        finalDivisor: Type.Optional(Type.Number({ minimum: 1, maximum: 1e12 })),
      },
      { ...strict, title: 'One cycle' },
    ),
  ],
  { description: 'How the learning rate changes from step to step. Default: constant.' },
)

/** A schedule of the learning rate with its defaults filled in. */
export type Schedule =
  | { type: 'constant'; warmupSteps: number }
  | { type: 'step'; everySteps: number; factor: number; warmupSteps: number }
  | { type: 'exponential'; decaySteps: number; decayRate: number; staircase: boolean; warmupSteps: number }
  | { type: 'cosine'; decaySteps: number; alpha: number; warmupSteps: number }
  | { type: 'oneCycle'; warmupFraction: number; initialDivisor: number; finalDivisor: number }

/**
 * Fills in the defaults: Keras's, and PyTorch's for one cycle, which Keras has not.
 * @param steps - of the whole training: the cosine falls until its end
 * @see keras/src/optimizers/schedules/learning_rate_schedule.py
 * @see torch.optim.lr_scheduler.OneCycleLR
 */
export function resolveSchedule(
  request: Type.Static<typeof ScheduleSchema> | undefined,
  steps: number,
): Schedule {
  const warmupSteps = (request && 'warmupSteps' in request ? request.warmupSteps : 0) ?? 0
  switch (request?.type) {
    case undefined:
    case 'constant':
      return { type: 'constant', warmupSteps }
    case 'step':
      return { ...request, warmupSteps }
    case 'exponential':
      return { ...request, staircase: request.staircase ?? false, warmupSteps }
    case 'cosine': {
      const decaySteps = request.decaySteps ?? Math.max(1, steps - warmupSteps)
      return { ...request, decaySteps, alpha: request.alpha ?? 0, warmupSteps }
    }
    case 'oneCycle':
      return {
        type: 'oneCycle',
        warmupFraction: request.warmupFraction ?? 0.3,
        initialDivisor: request.initialDivisor ?? 25,
        finalDivisor: request.finalDivisor ?? 1e4,
      }
  }
}
