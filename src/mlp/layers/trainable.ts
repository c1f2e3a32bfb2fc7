import { Type } from 'typebox'
import type { Variable } from '../graph.ts'

/** The field of a layer with weights that freezes it. */
export const trainableProperty = {
  trainable: Type.Optional(
    Type.Boolean({
      description:
        'False: the layer stays as it is, with a batch normalisation’s moving means; no gradient, decay, clipping or ' +
        'penalty sees its weights. Default: true.',
    }),
  ),
}

/** A layer that may be frozen; without the field it is trained. */
export interface Freezable {
  trainable?: false
}

/** Keeps the field of a frozen layer only. */
export function resolveTrainable({ trainable }: { trainable?: boolean | undefined }): Freezable {
  return trainable === false ? { trainable } : {}
}

/** The role of a layer's weights. */
export function weightRole({ trainable }: Freezable): Extract<Variable['role'], 'weight' | 'frozen'> {
  return trainable === false ? 'frozen' : 'weight'
}
