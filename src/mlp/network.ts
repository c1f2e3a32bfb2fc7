import { Type } from 'typebox'
import { discriminatedUnion } from './discriminated-union.ts'
import type { Graph } from './graph.ts'
import type { Block } from './layers/block.ts'
import { buildDense, countDenseParameters, type Dense, DenseSchema, resolveDense } from './layers/dense.ts'

/** A network in a request: its layers from the input to the output. What is written is what is trained. */
export const NetworkSchema = Type.Object(
  { layers: Type.Array(discriminatedUnion([DenseSchema]), { minItems: 1, maxItems: 64 }) },
  { additionalProperties: false, description: 'Layers from the input to the output, as in Keras.' },
)

/** A network with every default filled in. */
export interface Network {
  layers: Dense[]
}

/** Fills in the defaults of each layer. */
export function resolveNetwork(network: Type.Static<typeof NetworkSchema>): Network {
  return { layers: network.layers.map(resolveDense) }
}

/** All weights and biases. */
export function countParameters(network: Network, inputUnits: number): number {
  let units = inputUnits
  let parameters = 0
  for (const layer of network.layers) {
    parameters += countDenseParameters(layer, units)
    units = layer.units
  }
  return parameters
}

/** The names of the layers, as programs, weights and exports use them: `dense_1`, `dense_2`, … */
export function layerNames(network: Network): string[] {
  return network.layers.map((layer, index) => `${layer.type}_${index + 1}`)
}

/**
 * Declares the variables of all layers and gives their blocks in order. The last block is the activation of the
 * last layer.
 */
export function buildBlocks(graph: Graph, network: Network, inputUnits: number): Block[] {
  const names = layerNames(network)
  let units = inputUnits
  return network.layers.flatMap((layer, index) => {
    const blocks = buildDense(graph, names[index] ?? '', layer, units)
    units = layer.units
    return blocks
  })
}
