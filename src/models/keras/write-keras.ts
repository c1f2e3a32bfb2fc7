import { type PlacedLayer, placeLayers } from '../../mlp/network.ts'
import { createEncoder } from '../../preprocessing/encoder.ts'
import type { ExportedFile, ExportedModel } from '../exports/exported-model.ts'
import { plainScaling } from '../exports/plain-scaling.ts'
import { usedColumns } from '../exports/used-columns.ts'
import type { Manifest } from '../manifest.ts'
import { type KerasObject, kerasObject, toKerasLayer } from './layers.ts'
import { writeWeights } from './weights-file.ts'

/** The first version whose format this is; later ones read it too. */
const KERAS_VERSION = '3.0.0'

/**
 * A model as the files of a `.keras` archive: a Sequential model of Keras's own layers, so that every backend loads it. Its
 * first layers take the data's own units, as far as layers can; of a table the encoded features go in.
 * @see keras/src/saving/saving_lib.py
 */
export async function writeKeras({ manifest, weights, createdAt }: ExportedModel): Promise<ExportedFile[]> {
  const { shape, columns = null } = manifest.input
  const { inputUnits } = createEncoder(manifest.preprocessing, columns, shape)
  const inputShape = usedColumns(manifest) ? [inputUnits] : shape
  const layers = [
    ...preprocessingLayers(manifest, inputShape).map(keras => ({ keras, placed: null })),
    ...placeLayers(manifest.network, inputUnits).map(placed => ({ keras: toKerasLayer(placed), placed })),
    ...unitLayers(manifest).map(keras => ({ keras, placed: null })),
  ] satisfies { keras: KerasObject; placed: PlacedLayer | null }[]
  const input = kerasObject('keras.layers', 'InputLayer', {
    batch_shape: [null, ...inputShape],
    dtype: 'float32',
    name: 'input',
  })
  const config = kerasObject('keras', 'Sequential', {
    name: 'sequential',
    trainable: true,
    layers: [input, ...layers.map(({ keras }) => keras)],
  })
  return [
    textFile('metadata.json', { keras_version: KERAS_VERSION, date_saved: createdAt.toISOString() }),
    textFile('config.json', config),
    { name: 'model.weights.h5', content: await writeWeights(layers, weights) },
  ]
}

function preprocessingLayers({ preprocessing }: Manifest, inputShape: readonly number[]): KerasObject[] {
  const flatten = inputShape.length > 1 ? [kerasObject('keras.layers', 'Flatten', { name: 'flatten' })] : []
  if ('columns' in preprocessing) return []
  const scaling = plainScaling(preprocessing)
  if (scaling) return [rescaling('preprocessing', scaling.scale, scaling.offset), ...flatten]
  const { centers, spreads, image } = preprocessing as Extract<typeof preprocessing, { centers: unknown }>
  return [
    ...(image?.invert && !image.centerOfMass ? [rescaling('inversion', -1, 255)] : []),
    ...flatten,
    standardization(centers, spreads),
  ]
}

/** What Keras adds nothing to and takes for no spread. @see keras/src/backend/config.py, `epsilon` */
const KERAS_EPSILON = 1e-7

/**
 * (x − center) / spread. Keras's layer for it knows variances, so no spread below zero, and divides by its epsilon at
 * least; such spreads need the product and sum that it is else.
 */
function standardization(centers: readonly number[], spreads: readonly number[]): KerasObject {
  const name = 'preprocessing'
  if (spreads.some(spread => spread < KERAS_EPSILON)) {
    const scale = spreads.map(spread => 1 / spread)
    const offset = spreads.map((spread, index) => -(centers[index] ?? 0) / spread)
    return rescaling(name, scale, offset)
  }
  const variance = spreads.map(spread => spread ** 2)
  return kerasObject('keras.layers', 'Normalization', { name, axis: -1, mean: centers, variance })
}

/** Takes the numbers of a regression back to their own units. */
function unitLayers({ preprocessing: { target } }: Manifest): KerasObject[] {
  if (!target) return []
  return [
    rescaling(
      'units',
      target.map(({ spread }) => spread),
      target.map(({ center }) => center),
    ),
  ]
}

function rescaling<T extends number | number[]>(name: string, scale: T, offset: T): KerasObject {
  return kerasObject('keras.layers', 'Rescaling', { name, dtype: 'float32', scale, offset })
}

function textFile(name: string, content: object): ExportedFile {
  return { name, content: Buffer.from(JSON.stringify(content)) }
}
