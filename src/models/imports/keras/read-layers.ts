import { AssertionError } from 'node:assert'
import type { Layer } from '../../../mlp/layers/registry.ts'
import { LAYERS_MAX, PARAMETERS_MAX, resolveNetwork } from '../../../mlp/network.ts'
import { sizeOf } from '../../exports/exported-model.ts'
import { kerasVariables } from '../../keras/names.ts'
import { FEATURES_MAX } from '../limits.ts'
import type { ModelFile, Step } from '../model-file.ts'
import { quote } from '../parse-json.ts'
import { refuse } from '../refuse.ts'
import { ACTIVATION_LAYERS, readActivation } from './activations.ts'
import type { LayerChain } from './layer-chain.ts'
import { LayerConfig } from './layer-config.ts'
import { type ReadRow, readNormalization } from './read-normalization.ts'

/** Where the weights of a file are. */
export interface WeightSource {
  /**
   * The numbers of one variable.
   * @param layer - its place in the chain
   * @param variable - the last part of its name, and its place among those of the layer
   * @throws {AppError} MODEL_FILE_INVALID when they are missing, or of another shape
   */
  read(layer: number, variable: { name: string; index: number }, shape: readonly number[]): Float32Array
}

/** What a layer becomes. */
type Reader = (config: LayerConfig, shape: readonly number[], read: ReadRow) => Step[]

/** Layers of Keras that are taken, and what each becomes; all others are refused by name. */
const READERS: Readonly<Record<string, Reader>> = {
  InputLayer(config) {
    for (const key of ['sparse', 'ragged', 'optional']) config.only(key, false)
    return []
  },
  Rescaling(config, shape) {
    const [scale, shift] = [readFactors(config, 'scale', 1, shape), readFactors(config, 'offset', 0, shape)]
    return [{ kind: 'affine', of: `${config}`, scale, shift }]
  },
  Normalization: readNormalization,
  Flatten(config) {
    config.only('data_format', 'channels_last')
    return [{ kind: 'flatten', of: `${config}` }]
  },
  Dense(config, [inputs = 0], read) {
    const units = config.number('units', Number.NaN)
    if (!Number.isInteger(units) || units < 1 || units > 65_536)
      throw config.wrong('units', '1 to 65536', units)
    const layer = resolveLayer({
      type: 'dense',
      units,
      activation: readActivation(config),
      useBias: config.flag('use_bias', true),
      ...frozen(config),
    })
    return [layerStep(config, layer, name => (name === 'kernel' ? [inputs, units] : [units]), read)]
  },
  Dropout(config) {
    const rate = config.number('rate', Number.NaN)
    if (!(rate >= 0 && rate < 1)) throw config.wrong('rate', 'from 0 up to 1', rate)
    return [{ kind: 'layer', of: `${config}`, layer: { type: 'dropout', rate }, weights: new Map() }]
  },
  BatchNormalization(config, [units = 0], read) {
    config.only('axis', -1, 1, [-1], [1])
    config.only('renorm', false)
    config.only('synchronized', false, true)
    const momentum = config.number('momentum', 0.99)
    if (!(momentum >= 0 && momentum < 1)) throw config.wrong('momentum', 'from 0 up to 1', momentum)
    const layer = resolveLayer({
      type: 'batchNormalization',
      momentum,
      ...readRows(config),
      ...frozen(config),
    })
    return [layerStep(config, layer, () => [units], read)]
  },
  LayerNormalization(config, [units = 0], read) {
    config.only('axis', -1, 1, [-1], [1])
    config.only('rms_scaling', false)
    const layer = resolveLayer({ type: 'layerNormalization', ...readRows(config), ...frozen(config) })
    return [layerStep(config, layer, () => [units], read)]
  },
  ...Object.fromEntries(
    Object.entries(ACTIVATION_LAYERS).map(([className, readName]): [string, Reader] => [
      className,
      config => {
        const layer: Layer = { type: 'activation', activation: readName(config) }
        return [{ kind: 'layer', of: `${config}`, layer, weights: new Map() }]
      },
    ]),
  ),
}

/** Classes of layers that are taken. */
export const LAYER_CLASSES: readonly string[] = Object.keys(READERS)

/** Layers that work on examples of more than one axis too. */
const OF_ANY_SHAPE = new Set(['InputLayer', 'Rescaling', 'Normalization', 'Flatten', 'Dropout'])

/**
 * Reads a chain of layers of Keras.
 * @throws {AppError} MODEL_FILE_INVALID for everything that is not understood
 */
export function readLayers(
  chain: LayerChain,
  source: WeightSource,
): Pick<ModelFile, 'inputShape' | 'inputDtype' | 'steps'> {
  if (chain.layers.length > 2 * LAYERS_MAX)
    throw refuse(`a model may have ${2 * LAYERS_MAX} layers; this one has more`)
  const inputShape = findInputShape(chain)
  const steps: Step[] = []
  let shape = inputShape
  let parameters = 0
  for (const [place, layer] of chain.layers.entries()) {
    const reader = READERS[layer.className] // `readLayerChain` knows the classes
    if (!reader) throw new AssertionError({ message: `${layer.className} must be known` })
    if (shape.length > 1 && !OF_ANY_SHAPE.has(layer.className)) {
      throw refuse(
        `${layer.className} ${quote(layer.name)} must stand behind a Flatten: its input is ${shape.join(' × ')}`,
      )
    }
    const config = new LayerConfig(layer)
    const own = reader(config, shape, (name, index, wanted) => {
      parameters += sizeOf(wanted)
      if (parameters > PARAMETERS_MAX)
        throw refuse(`a network may have ${PARAMETERS_MAX} parameters; this one has more`)
      return source.read(place, { name, index }, wanted)
    })
    config.end()
    steps.push(...own)
    shape = own.reduce(shapeBehind, shape)
  }
  return { inputShape, inputDtype: readInputDtype(chain), steps }
}

function shapeBehind(shape: readonly number[], step: Step): readonly number[] {
  if (step.kind === 'flatten') return [sizeOf(shape)]
  return step.kind === 'layer' && step.layer.type === 'dense' ? [step.layer.units] : shape
}

/** One number, or one for each place of the last axis. @see keras/src/layers/preprocessing/rescaling.py */
function readFactors(
  config: LayerConfig,
  key: string,
  otherwise: number,
  shape: readonly number[],
): number[] {
  const value = config.field(key)
  if (!Array.isArray(value)) return [config.number(key, otherwise)]
  const places = shape.at(-1) ?? 0
  if (value.length !== places || !value.every(Number.isFinite)) {
    throw config.wrong(key, `a number or ${places} numbers`, value)
  }
  return Array.from({ length: sizeOf(shape) }, (_, feature) => Number(value[feature % places]))
}

function readRows(config: LayerConfig) {
  const epsilon = config.number('epsilon', 1e-3)
  if (!(epsilon > 0 && epsilon <= 1)) throw config.wrong('epsilon', 'above 0 and at most 1', epsilon)
  return { epsilon, center: config.flag('center', true), scale: config.flag('scale', true) }
}

function frozen({ isFrozen }: LayerConfig): { trainable?: boolean } {
  return isFrozen ? { trainable: false } : {}
}

function resolveLayer(request: Parameters<typeof resolveNetwork>[0]['layers'][number]): Layer {
  const [layer] = resolveNetwork({ layers: [request] }).layers
  return layer as Layer // one in, one out
}

function layerStep(
  config: LayerConfig,
  layer: Layer,
  shapeOf: (variable: string) => number[],
  read: ReadRow,
): Step {
  const weights = kerasVariables(layer).map(
    (name, index) => [name, read(name, index, shapeOf(name))] as const,
  )
  return { kind: 'layer', of: `${config}`, layer, weights: new Map(weights) }
}

/** `[null, …]` of the first layer that says it, or of the model. */
function findInputShape({ layers, inputShape }: LayerChain): readonly number[] {
  const [first] = layers
  const said = first?.config.batch_shape ?? first?.config.batch_input_shape ?? inputShape
  const [batch, ...shape] = Array.isArray(said) ? said : []
  const isShape = shape.length > 0 && shape.every(length => Number.isInteger(length) && length > 0)
  if (batch !== null || !isShape)
    throw refuse(`the model must say the shape of its input; received ${quote(said ?? null)}`)
  if (sizeOf(shape) > FEATURES_MAX)
    throw refuse(`an example may have ${FEATURES_MAX} features; received ${quote(said)}`)
  return shape
}

function readInputDtype({ layers: [first] }: LayerChain): ModelFile['inputDtype'] {
  const { dtype = 'float32' } = first?.className === 'InputLayer' ? first.config : {}
  if (dtype === 'float32' || dtype === 'uint8') return dtype
  throw refuse(`the input must be float32 or uint8; received ${quote(dtype)}`)
}
