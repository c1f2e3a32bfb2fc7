import { Type } from 'typebox'
import { binaryCrossentropy } from './binary-crossentropy.ts'
import { categoricalCrossentropy } from './categorical-crossentropy.ts'
import type { Loss } from './loss.ts'
import { meanSquaredError } from './mean-squared-error.ts'

/** Every loss, by the name that requests use. */
export const LOSSES = {
  categoricalCrossentropy,
  binaryCrossentropy,
  meanSquaredError,
} as const satisfies Record<string, Loss>

/** The name of a loss. */
export type LossName = keyof typeof LOSSES

/** A loss in a request. */
export const LossSchema = Type.Enum(Object.keys(LOSSES) as LossName[], {
  description:
    'What training makes small. Default: categoricalCrossentropy for a softmax output, binaryCrossentropy for a ' +
    'sigmoid one, else meanSquaredError.',
})
