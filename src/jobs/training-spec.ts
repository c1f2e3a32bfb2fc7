import { Type } from 'typebox'
import { type EarlyStopping, EarlyStoppingSchema } from '../mlp/early-stopping.ts'
import { LossSchema, type LossSpec } from '../mlp/losses/registry.ts'
import { MetricSchema } from '../mlp/metrics/registry.ts'
import { OptimizerSchema, type OptimizerSpec } from '../mlp/optimizers/registry.ts'
import { type ReduceOnPlateau, ReduceOnPlateauSchema } from '../mlp/schedules/reduce-on-plateau.ts'
import { type Schedule, ScheduleSchema } from '../mlp/schedules/schedule.ts'
import { storable } from '../names.ts'
import { type Augmentation, AugmentationSchema } from '../preprocessing/augmentation.ts'

/** Where the validation examples come from: a split of the dataset, or a part or parts of the training split. */
export const ValidationSchema = Type.Union(
  [
    Type.Object(
      {
        split: Type.Optional(Type.Enum(['validation', 'test'] as const)),
        fraction: Type.Optional(Type.Number({ exclusiveMinimum: 0, exclusiveMaximum: 1 })),
        folds: Type.Optional(
          Type.Integer({
            minimum: 2,
            maximum: 100,
            description:
              'Cross-validation: the training split is divided into so many folds, a fit on all others is validated ' +
              'on each, and a last one on all examples makes the model.',
          }),
        ),
        stratify: Type.Optional(
          Type.Boolean({
            description: 'Every class keeps its share. With `fraction` or `folds`. Default: false.',
          }),
        ),
        group: Type.Optional(
          storable({
            maxLength: 1_000,
            description:
              'A column whose equal values stay together, as all rows of a customer. With `fraction` or `folds`.',
          }),
        ),
        time: Type.Optional(
          storable({
            maxLength: 1_000,
            description: 'A column by which the latest rows validate. With `fraction`.',
          }),
        ),
      },
      {
        additionalProperties: false,
        minProperties: 1,
        dependencies: {
          split: { maxProperties: 1 },
          time: ['fraction'],
        },
      },
    ),
    Type.Null(),
  ],
  {
    description:
      '`{ "split": "test" }`, `{ "fraction": 0.1 }` of the training split (seeded; with `stratify`, or by `group` or ' +
      '`time`), `{ "folds": 5 }` for cross-validation (seeded; with `stratify` and `group`), or null for none. ' +
      'Default: the test split if there is one, else a tenth.',
  },
)

/** How much the examples of each class count. */
export const ClassWeightSchema = Type.Unsafe<'balanced' | Record<string, number>>({
  description:
    'Factors of the loss by class label, 1 where none is given; or `balanced`: examples / (classes · examples of ' +
    'the class), so that all classes count alike. Default: 1 for all.',
  if: { type: 'object' },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  then: {
    type: 'object',
    minProperties: 1,
    additionalProperties: { type: 'number', minimum: 0, maximum: 1e6 },
  },
  else: { type: 'string', enum: ['balanced'] },
})

/** 20 days; a timer of Node.js holds at most 2³¹ − 1 milliseconds, which are 24. */
const MAX_RUNTIME_SECONDS_MAX = 1_728_000

/** How to train, in a request; everything has a default. */
export const TrainingSchema = Type.Object(
  {
    epochs: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, default: 10 })),
    batchSize: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_536, default: 32 })),
    loss: Type.Optional(LossSchema),
    optimizer: Type.Optional(OptimizerSchema),
    metrics: Type.Optional(Type.Array(MetricSchema, { uniqueItems: true, maxItems: 16 })),
    validation: Type.Optional(ValidationSchema),
    learningRateSchedule: Type.Optional(ScheduleSchema),
    reduceOnPlateau: Type.Optional(ReduceOnPlateauSchema),
    earlyStopping: Type.Optional(EarlyStoppingSchema),
    classWeight: Type.Optional(ClassWeightSchema),
    augmentation: Type.Optional(AugmentationSchema),
    seed: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: Number.MAX_SAFE_INTEGER,
        description: 'Default: a random one, recorded.',
      }),
    ),
    maxRuntimeSeconds: Type.Optional(
      Type.Union([Type.Integer({ minimum: 1, maximum: MAX_RUNTIME_SECONDS_MAX }), Type.Null()], {
        description:
          'After so many seconds of running, over all attempts, the job fails with MAX_RUNTIME_EXCEEDED, after a ' +
          'checkpoint. Default: null, no limit.',
      }),
    ),
  },
  { additionalProperties: false },
)

/** A seeded part of the training split that validates. */
export interface FractionValidation {
  fraction: number
  /** Every class keeps its share. */
  stratify?: boolean
  /** A column whose equal values stay on one side. */
  group?: string
  /** A column by which the latest rows validate. */
  time?: string
}

/** Seeded folds of the training split, each of which validates a fit on the others. */
export interface FoldsValidation {
  folds: number
  /** Every class keeps its share in each fold. */
  stratify?: boolean
  /** A column whose equal values stay in one fold. */
  group?: string
}

/** How to train, with every default filled in; itself a request that asks for the same. */
export interface TrainingSpec {
  epochs: number
  batchSize: number
  loss: LossSpec
  optimizer: OptimizerSpec
  /** Names of metrics besides the loss. */
  metrics: string[]
  validation: { split: 'validation' | 'test' } | FractionValidation | FoldsValidation | null
  learningRateSchedule: Schedule
  reduceOnPlateau?: ReduceOnPlateau
  earlyStopping?: EarlyStopping
  /** How training images are changed in each epoch. */
  augmentation?: Augmentation
  /** By label, for every class. */
  classWeight?: Record<string, number>
  seed: number
  /** Running time over all attempts at most; null: no limit. */
  maxRuntimeSeconds: number | null
}
