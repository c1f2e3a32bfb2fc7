import type { Type } from 'typebox'
import type { ActivationName } from '../activations/registry.ts'
import { discriminatedUnion, nameOr } from '../discriminated-union.ts'
import type { Task } from '../task.ts'
import { type BinaryCrossentropy, binaryCrossentropy } from './binary-crossentropy.ts'
import { type CategoricalCrossentropy, categoricalCrossentropy } from './categorical-crossentropy.ts'
import {
  type BinaryFocalCrossentropy,
  binaryFocalCrossentropy,
  type CategoricalFocalCrossentropy,
  categoricalFocalCrossentropy,
} from './focal.ts'
import { type Hinge, hinge } from './hinge.ts'
import { type Huber, huber } from './huber.ts'
import { type KlDivergence, klDivergence } from './kl-divergence.ts'
import type { Loss } from './loss.ts'
import { type MeanAbsoluteError, meanAbsoluteError } from './mean-absolute-error.ts'
import { type MeanSquaredError, meanSquaredError } from './mean-squared-error.ts'
import {
  type SparseCategoricalCrossentropy,
  sparseCategoricalCrossentropy,
} from './sparse-categorical-crossentropy.ts'

/** Every loss, by the name that requests use. */
export const LOSSES = {
  categoricalCrossentropy,
  sparseCategoricalCrossentropy,
  binaryCrossentropy,
  categoricalFocalCrossentropy,
  binaryFocalCrossentropy,
  meanSquaredError,
  meanAbsoluteError,
  huber,
  klDivergence,
  hinge,
} as const

/** The name of a loss. */
export type LossName = keyof typeof LOSSES

/** A loss with its defaults filled in. */
export type LossSpec =
  | CategoricalCrossentropy
  | SparseCategoricalCrossentropy
  | BinaryCrossentropy
  | CategoricalFocalCrossentropy
  | BinaryFocalCrossentropy
  | MeanSquaredError
  | MeanAbsoluteError
  | Huber
  | KlDivergence
  | Hinge

/** A loss in a request: its name, or an object with its options. */
export const LossSchema = nameOr(
  Object.keys(LOSSES) as LossName[],
  discriminatedUnion([
    categoricalCrossentropy.schema,
    sparseCategoricalCrossentropy.schema,
    binaryCrossentropy.schema,
    categoricalFocalCrossentropy.schema,
    binaryFocalCrossentropy.schema,
    meanSquaredError.schema,
    meanAbsoluteError.schema,
    huber.schema,
    klDivergence.schema,
    hinge.schema,
  ]),
  {
    description:
      'What training makes small: a name, or an object with `type` and options. Default: categoricalCrossentropy for ' +
      'a softmax output, binaryCrossentropy for a sigmoid one, else meanSquaredError; the last too for a regression.',
  },
)

/** Fills in the defaults. */
export function resolveLoss(request: Type.Static<typeof LossSchema>): LossSpec {
  const spec = typeof request === 'string' ? ({ type: request } as LossSpec) : request
  return lossOf(spec.type).resolve(spec)
}

/** A loss by its name; the types of a registry's entry and its spec belong together. */
export function lossOf(name: LossName): Loss<Type.TObject, LossSpec> {
  return LOSSES[name] as unknown as Loss<Type.TObject, LossSpec>
}

/** The loss that belongs to the task and the activation of the output. */
export function defaultLoss(activation: ActivationName | null, task: Task): LossSpec {
  if (task === 'regression') return resolveLoss('meanSquaredError')
  if (activation === 'softmax') return resolveLoss('categoricalCrossentropy')
  return resolveLoss(activation === 'sigmoid' ? 'binaryCrossentropy' : 'meanSquaredError')
}
