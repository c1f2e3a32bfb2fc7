import { kerasFolders } from '../../keras/names.ts'
import type { ModelFile } from '../model-file.ts'
import { parseObject } from '../parse-json.ts'
import { refuse } from '../refuse.ts'
import { readLayerChain } from './layer-chain.ts'
import { openHdf5 } from './read-hdf5.ts'
import { LAYER_CLASSES, readLayers } from './read-layers.ts'

/** The files of a `.keras` archive that are read. */
const [CONFIG, METADATA, WEIGHTS] = ['config.json', 'metadata.json', 'model.weights.h5'] as const

/** Whether an archive is one of Keras 3. */
export function isKerasArchive(files: ReadonlyMap<string, Buffer>): boolean {
  return files.has(CONFIG)
}

/**
 * Reads a `.keras` file of Keras 3: its description as data, its weights by their places.
 * @see keras/src/saving/saving_lib.py
 * @throws {AppError} MODEL_FILE_INVALID
 */
export async function readKeras(files: ReadonlyMap<string, Buffer>): Promise<ModelFile> {
  const [config, weights, metadata] = [files.get(CONFIG), files.get(WEIGHTS), files.get(METADATA)]
  if (!config || !weights) throw refuse(`a .keras file must hold ${CONFIG} and ${WEIGHTS}`)
  const chain = readLayerChain(parseObject(config, CONFIG), LAYER_CLASSES)
  const folders = kerasFolders(chain.layers.map(({ className }) => className))
  const hdf5 = await openHdf5(weights)
  try {
    const read = readLayers(chain, {
      read(layer, { name, index }, shape) {
        const path = `/layers/${folders[layer]}/vars/${index}`
        return hdf5.read(path, shape, `${name} of ${chain.layers[layer]?.name}`)
      },
    })
    const { keras_version: version } = metadata ? parseObject(metadata, METADATA) : {}
    const generatedBy = typeof version === 'string' ? `Keras ${version.slice(0, 40)}` : null
    return { format: 'keras', generatedBy, ...read, own: null }
  } finally {
    hdf5.close()
  }
}
