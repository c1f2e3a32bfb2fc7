import { Type } from 'typebox'
import type { ActivationName } from './activations/registry.ts'
import { discriminatedUnion } from './discriminated-union.ts'
import { Graph, type Variable } from './graph.ts'
import type { Block } from './layers/block.ts'
import { kindOf, LAYERS, type Layer } from './layers/registry.ts'

/** Layers of a network at most. */
export const LAYERS_MAX = 64

/** All numbers of a network at most. */
export const PARAMETERS_MAX = 50_000_000

/** A network in a request: its layers from the input to the output. What is written is what is trained. */
export const NetworkSchema = Type.Object(
  {
    layers: Type.Array(
      discriminatedUnion([
        LAYERS.dense.schema,
        LAYERS.dropout.schema,
        LAYERS.batchNormalization.schema,
        LAYERS.layerNormalization.schema,
        LAYERS.activation.schema,
      ]),
      { minItems: 1, maxItems: LAYERS_MAX },
    ),
  },
  { additionalProperties: false, description: 'Layers from the input to the output, as in Keras.' },
)

/** A network with every default filled in. */
export interface Network {
  layers: Layer[]
}

/** Fills in the defaults of each layer. */
export function resolveNetwork(network: Type.Static<typeof NetworkSchema>): Network {
  return { layers: network.layers.map(layer => kindOf(layer).resolve(layer)) }
}

/** A layer where it stands: its name, and what goes in and out. */
export interface PlacedLayer {
  layer: Layer
  /** As programs, weights and exports use it: `dense_1`, `dropout_2`, … */
  name: string
  inputUnits: number
  outputUnits: number
}

/** The layers with their names and sizes. */
export function placeLayers(network: Network, inputUnits: number): PlacedLayer[] {
  let units = inputUnits
  return network.layers.map((layer, index) => {
    const placed = {
      layer,
      name: `${layer.type}_${index + 1}`,
      inputUnits: units,
      outputUnits: kindOf(layer).units(layer, units),
    }
    units = placed.outputUnits
    return placed
  })
}

/** All numbers of the model. */
export function countParameters(network: Network, inputUnits: number): number {
  return placeLayers(network, inputUnits).reduce(
    (sum, placed) => sum + kindOf(placed.layer).countParameters(placed.layer, placed.inputUnits),
    0,
  )
}

/** The numbers that training changes; the others are frozen, or follow the data. */
export function countTrainableParameters(network: Network, inputUnits: number): number {
  return listVariables(network, inputUnits)
    .filter(({ role }) => role === 'weight')
    .reduce((sum, { shape }) => sum + shape.reduce((size, length) => size * length, 1), 0)
}

/** The variables of the model, in the order of its layers; names are `dense_1/kernel`, … */
export function listVariables(network: Network, inputUnits: number): readonly Variable[] {
  const graph = new Graph()
  buildBlocks(graph, network, inputUnits)
  return graph.variables
}

/** Units of the last layer. */
export function countOutputUnits(network: Network, inputUnits: number): number {
  return placeLayers(network, inputUnits).at(-1)?.outputUnits ?? inputUnits
}

/** The activation that the network ends with; null when its last layer has none, like dropout. */
export function outputActivation({ layers }: Network): ActivationName | null {
  const last = layers.at(-1)
  return last && 'activation' in last ? last.activation : null
}

/**
 * Declares the variables of all layers and gives their blocks in order. When the network ends with an activation,
 * that is the last block.
 */
export function buildBlocks(graph: Graph, network: Network, inputUnits: number): Block[] {
  return placeLayers(network, inputUnits).flatMap(placed =>
    kindOf(placed.layer).build(graph, placed.name, placed.layer, placed.inputUnits),
  )
}
