import { readLayerChain } from '../keras/layer-chain.ts'
import { LAYER_CLASSES, readLayers } from '../keras/read-layers.ts'
import type { ModelFile } from '../model-file.ts'
import { isOwnManifest, readOwnManifest } from '../own-manifest.ts'
import { type Fields, isFields, parseObject, quote } from '../parse-json.ts'
import { refuse } from '../refuse.ts'
import { type FileWeight, readWeights } from './read-weights.ts'

/** The file that describes a model of TensorFlow.js. */
export const MODEL_JSON = 'model.json'

/**
 * Reads a Layers model of TensorFlow.js; beside an export of ours its manifest too.
 * @param fileOf - gives the content of a file of weights; what a model calls a file is a key, and no path
 * @see tfjs-core/src/io/types.ts, ModelJSON
 * @throws {AppError} MODEL_FILE_INVALID
 */
export function readTfjs(
  files: ReadonlyMap<string, Buffer>,
  fileOf: (path: string) => Buffer | undefined = path => files.get(path),
): ModelFile {
  const bytes = files.get(MODEL_JSON)
  if (!bytes) throw refuse(`a model of TensorFlow.js must have ${MODEL_JSON}`)
  const json = parseObject(bytes, MODEL_JSON)
  const { format = 'layers-model' } = json
  if (format !== 'layers-model')
    throw refuse(`the format of model.json must be "layers-model"; received ${quote(format)}`)
  const chain = readLayerChain(topologyOf(json), LAYER_CLASSES)
  const weights = readWeights(json, fileOf)
  const unused = new Set(weights.keys())
  const read = readLayers(chain, {
    read(place, variable, shape) {
      const layer = chain.layers[place]?.name ?? ''
      const [name, weight] = findWeight(weights, `${layer}/${variable.name}`)
      unused.delete(name)
      if (weight.shape.join() === shape.join()) return weight.values
      throw refuse(`${quote(name)} must be [${shape.join(', ')}]; received [${weight.shape.join(', ')}]`)
    },
  })
  if (unused.size > 0)
    throw refuse(`every weight must belong to a layer; received ${quote([...unused].slice(0, 5))}`)
  const generatedBy = json.convertedBy ?? json.generatedBy
  const manifest = files.get('manifest.json')
  return {
    format: 'tfjs',
    generatedBy: typeof generatedBy === 'string' ? generatedBy.slice(0, 100) : null,
    ...read,
    own: manifest && isOwnManifest(manifest) ? readOwnManifest(manifest, files) : null,
  }
}

/** What a converter writes holds the model of Keras in a field of its own. */
function topologyOf({ modelTopology }: Fields): unknown {
  return isFields(modelTopology) && isFields(modelTopology.model_config)
    ? modelTopology.model_config
    : modelTopology
}

/** By its name, which may stand behind names of models, and before a number of an output. */
function findWeight(weights: ReadonlyMap<string, FileWeight>, wanted: string): [string, FileWeight] {
  const matches = [...weights].filter(([name]) => `/${name.replace(/:0$/, '')}`.endsWith(`/${wanted}`))
  const [match] = matches
  if (match && matches.length === 1) return match
  throw refuse(`the weights must hold ${quote(wanted)} once; they hold it ${matches.length} times`)
}
