import { sizeOf } from '../../exports/exported-model.ts'
import type { Step } from '../model-file.ts'
import type { LayerConfig } from './layer-config.ts'

/** Reads a variable of the layer at hand, by its name and its place among those of the layer. */
export type ReadRow = (name: string, index: number, shape: readonly number[]) => Float32Array

/** (x − mean) / max(√variance, 1e-7). @see keras/src/layers/preprocessing/normalization.py */
export function readNormalization(config: LayerConfig, shape: readonly number[], read: ReadRow): Step[] {
  config.only('invert', false)
  const axes = [config.field('axis') ?? []].flat().map(axis => toAxis(config, axis, shape.length))
  const kept = shape.filter((_, axis) => axes.includes(axis))
  const given = config.field('mean')
  const row = (key: string, index: number) => {
    const value = config.field(key)
    return value === null ? read(key, index, kept) : numbersOf(config, key, value, sizeOf(kept))
  }
  if ((given === null) !== (config.field('variance') === null))
    throw config.wrong('variance', 'given with mean', null)
  const [mean, variance] = [row('mean', 0), row('variance', 1)]
  const places = Array.from({ length: sizeOf(shape) }, (_, feature) => placeOf(feature, shape, axes))
  const spreads = places.map(place => Math.max(Math.sqrt(variance[place] ?? 0), 1e-7))
  return [
    {
      kind: 'affine',
      of: `${config}`,
      scale: spreads.map(spread => 1 / spread),
      shift: places.map((place, feature) => -(mean[place] ?? 0) / (spreads[feature] ?? 1)),
    },
  ]
}

/** Where the figures of a feature are, among those that the kept axes have. */
function placeOf(feature: number, shape: readonly number[], axes: readonly number[]): number {
  let [rest, place, step] = [feature, 0, 1]
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const length = shape[axis] ?? 1
    if (axes.includes(axis)) {
      place += (rest % length) * step
      step *= length
    }
    rest = Math.floor(rest / length)
  }
  return place
}

/** Axes count the batch, which is 0; negative ones from the end. */
function toAxis(config: LayerConfig, axis: unknown, rank: number): number {
  const place = typeof axis === 'number' ? (axis < 0 ? axis + rank : axis - 1) : Number.NaN
  if (Number.isInteger(place) && place >= 0 && place < rank) return place
  throw config.wrong('axis', 'axes of the features', axis)
}

function numbersOf(config: LayerConfig, key: string, value: unknown, count: number): Float32Array {
  const numbers = [value].flat(Number.POSITIVE_INFINITY)
  if (numbers.length !== count || !numbers.every(number => typeof number === 'number')) {
    throw config.wrong(key, `${count} numbers`, value)
  }
  return Float32Array.from(numbers as number[])
}
