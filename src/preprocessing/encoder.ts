import type { Column } from '../datasets/columns.ts'
import { featureCount } from '../datasets/content.ts'
import type { InputScaling } from '../mlp/input-scaling.ts'
import { columnKindOf } from './columns/registry.ts'
import { arrangeImages } from './images.ts'
import type { FittedPreprocessing } from './preprocessing.ts'

/** Features as a dataset stores them, row by row. */
export type RawFeatures = Uint8Array | Float32Array | Float64Array

/**
 * What makes inputs of raw features. It is the one piece of code that does so, for training and prediction alike: the
 * same cells give the same inputs, to the bit.
 */
export interface Encoder {
  inputUnits: number
  /**
   * What the network's own graph does after `encode`: bytes stay bytes up to there.
   */
  scaling: InputScaling
  /**
   * @param raw - `[count, features]`
   * @returns `[count, inputUnits]`; the same array where there is nothing to do
   */
  encode(raw: RawFeatures, count: number): Uint8Array | Float32Array
}

const NO_SCALING: InputScaling = { scale: 1, offset: 0 }

/**
 * Makes the encoder of a fitted preprocessing.
 * @param columns - of the dataset; null where features have no names
 * @param shape - of an example: `[height, width, channels]`, `[features]`
 */
export function createEncoder(
  fitted: FittedPreprocessing,
  columns: readonly Column[] | null,
  shape: readonly number[],
): Encoder {
  if ('columns' in fitted) return tableEncoder(fitted, columns ?? [])
  const inputUnits = featureCount(shape)
  const { image } = fitted
  const arrange = (raw: RawFeatures) => {
    const numbers = raw instanceof Float64Array ? Float32Array.from(raw) : raw
    return image ? arrangeImages(numbers, shape, image) : numbers
  }
  if ('scale' in fitted) {
    const { scale, offset = 0 } = fitted
    return { inputUnits, scaling: { scale, offset }, encode: arrange }
  }
  const { centers, spreads } = fitted
  return {
    inputUnits,
    scaling: NO_SCALING,
    encode(raw) {
      const numbers = arrange(raw)
      const inputs = new Float32Array(numbers.length)
      for (let at = 0; at < inputs.length; at++) {
        const feature = at % inputUnits
        inputs[at] = ((numbers[at] ?? 0) - (centers[feature] ?? 0)) / (spreads[feature] ?? 1)
      }
      return inputs
    },
  }
}

function tableEncoder(
  { columns: fitted }: Extract<FittedPreprocessing, { columns: unknown }>,
  columns: readonly Column[],
): Encoder {
  let inputUnits = 0
  const parts = columns.flatMap((column, feature) => {
    const own = fitted[column.name] ?? null
    const kind = columnKindOf(column.type)
    if (!own || !kind) return []
    const at = inputUnits
    inputUnits += kind.width(own)
    return [{ feature, at, encode: kind.compile(column, own) }]
  })
  return {
    inputUnits,
    scaling: NO_SCALING,
    encode(raw, count) {
      const inputs = new Float32Array(count * inputUnits)
      for (let row = 0; row < count; row++) {
        for (const { feature, at, encode } of parts) {
          encode(raw[row * columns.length + feature] ?? Number.NaN, inputs, row * inputUnits + at)
        }
      }
      return inputs
    },
  }
}

/**
 * Targets of a regression as the network gives them, or back in their own units.
 * @param numbers - `[count, targets]` row by row; changed in place
 */
export function scaleTargets(
  { target }: FittedPreprocessing,
  numbers: Float32Array,
  direction: 'toNetwork' | 'toUnits',
): Float32Array {
  if (!target) return numbers
  for (let at = 0; at < numbers.length; at++) {
    const { center = 0, spread = 1 } = target[at % target.length] ?? {}
    const number = numbers[at] ?? 0
    numbers[at] = direction === 'toNetwork' ? (number - center) / spread : number * spread + center
  }
  return numbers
}
