import { type Fields, isFields, quote } from '../parse-json.ts'
import { refuse } from '../refuse.ts'

/** A layer as Keras and TensorFlow.js write it down. */
export interface KerasLayer {
  className: string
  /** Its name in the model. */
  name: string
  config: Fields
}

/** The layers of a model, each of which takes what the one before gives. */
export interface LayerChain {
  layers: readonly KerasLayer[]
  /** `[null, …]`: where the model says how its inputs look, besides its first layer. */
  inputShape: unknown
}

/**
 * Reads a Sequential model, or a functional one that is a chain too.
 * @param known - classes of layers that are taken
 * @see keras/src/models/sequential.py and functional.py, `get_config`; tfjs-layers/src/engine/container.ts
 * @throws {AppError} MODEL_FILE_INVALID
 */
export function readLayerChain(model: unknown, known: readonly string[]): LayerChain {
  if (!isFields(model) || typeof model.class_name !== 'string')
    throw refuse('the model must have a class_name')
  const config = Array.isArray(model.config) ? { layers: model.config } : model.config
  if (!isFields(config)) throw refuse('the model must have a config')
  switch (model.class_name) {
    case 'Sequential':
      return {
        layers: listOf(config.layers).map(layer => readLayer(layer, known)),
        inputShape: config.build_input_shape,
      }
    case 'Functional':
    case 'Model':
      return { layers: followConnections(config, known), inputShape: undefined }
    default:
      throw refuse(
        `the model must be Sequential, or Functional with its layers in a chain; received ${quote(model.class_name)}`,
      )
  }
}

function readLayer(layer: unknown, known: readonly string[]): KerasLayer {
  if (!isFields(layer) || typeof layer.class_name !== 'string' || !isFields(layer.config)) {
    throw refuse(`a layer must have a class_name and a config; received ${quote(layer)}`)
  }
  const { class_name: className, registered_name: registered = null, config } = layer
  if (!known.includes(className)) {
    throw refuse(`layers must be ${known.join(', ')}; received ${quote(className)}`)
  }
  const name = typeof layer.name === 'string' ? layer.name : config.name
  if (registered !== null && registered !== className) {
    throw refuse(`layers of one's own are not taken; received ${quote(registered)}`)
  }
  return { className, name: typeof name === 'string' ? name : className, config }
}

/** From the only input on, always to the only layer that takes what the last one gives. */
function followConnections(config: Fields, known: readonly string[]): KerasLayer[] {
  const waiting = listOf(config.layers).map(layer => ({ ...readLayer(layer, known), from: sourceOf(layer) }))
  const [end, ...others] = namesOf(config.output_layers)
  if (end === undefined || others.length > 0) throw refuse('the model must have one output')
  const chain: KerasLayer[] = []
  for (let from: string | null = null; chain.at(-1)?.name !== end; ) {
    const next = waiting.filter(layer => layer.from === from)
    const [only] = next
    if (!only || next.length > 1 || chain.length > waiting.length) {
      const where =
        from === null ? 'the model must have one input' : `one layer must take what ${quote(from)} gives`
      throw refuse(`${where}; there are ${next.length}`)
    }
    chain.push(only)
    from = only.name
  }
  if (chain.length !== waiting.length)
    throw refuse('every layer must stand in the chain from the input to the output')
  return chain
}

/** The name of the layer whose output a layer takes; null for an input. Keras 2, TensorFlow.js and Keras 3 differ. */
function sourceOf(layer: unknown): string | null {
  const nodes = isFields(layer) ? listOf(layer.inbound_nodes) : []
  if (nodes.length === 0) return null
  const [node, ...others] = nodes
  const [args, kwargs] = isFields(node)
    ? [listOf(node.args), node.kwargs]
    : [listOf(node), Array.isArray(node) && Array.isArray(node[0]) ? node[0][3] : undefined]
  if (others.length > 0 || args.length !== 1 || !isPlainCall(kwargs)) {
    throw refuse(`a layer must be called once, with one input and no options; received ${quote(nodes)}`)
  }
  const [source] = args
  const history = isFields(source) && isFields(source.config) ? source.config.keras_history : source
  if (!Array.isArray(history) || typeof history[0] !== 'string') {
    throw refuse(`a layer must say which layer it follows; received ${quote(nodes)}`)
  }
  return history[0]
}

/** Options of a call that change nothing in a prediction. */
function isPlainCall(kwargs: unknown): boolean {
  return !isFields(kwargs) || Object.values(kwargs).every(value => value === null || value === false)
}

/** `["dense", 0, 0]` or a list of these. */
function namesOf(places: unknown): string[] {
  const list = listOf(places)
  const nested = list.every(Array.isArray) ? list : [list]
  return nested.flatMap(place => (Array.isArray(place) && typeof place[0] === 'string' ? [place[0]] : []))
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
