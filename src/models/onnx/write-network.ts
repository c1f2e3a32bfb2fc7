import { AssertionError } from 'node:assert'
import type { ActivationName } from '../../mlp/activations/registry.ts'
import { SELU } from '../../mlp/activations/selu.ts'
import type { PlacedLayer } from '../../mlp/network.ts'
import type { Tensor } from '../exports/graph/graph-writer.ts'
import type { OnnxGraph } from './onnx-graph.ts'

/** The operators of our activations; null: no operator, or not one. @see https://onnx.ai/onnx/operators */
const ACTIVATIONS: Record<ActivationName, (graph: OnnxGraph, z: Tensor) => Tensor> = {
  linear: (_graph, z) => z,
  relu: (graph, z) => graph.node('Relu', [z]),
  leakyRelu: (graph, z) => graph.node('LeakyRelu', [z], { alpha: { float: 0.2 } }),
  elu: (graph, z) => graph.node('Elu', [z], { alpha: { float: 1 } }),
  selu: (graph, z) => graph.node('Selu', [z], { alpha: { float: SELU.alpha }, gamma: { float: SELU.scale } }),
  gelu: (graph, z) => graph.node('Gelu', [z], { approximate: 'none' }),
  silu: (graph, z) => graph.node('Mul', [z, graph.node('Sigmoid', [z])]),
  softplus: (graph, z) => graph.node('Softplus', [z]),
  sigmoid: (graph, z) => graph.node('Sigmoid', [z]),
  tanh: (graph, z) => graph.node('Tanh', [z]),
  softmax: (graph, z) => graph.node('Softmax', [z], { axis: -1 }),
}

/**
 * Writes layers as ONNX's own operators, so that other tools know them again; weights keep their names.
 * @param x - `[batch, inputs]`
 */
export function writeNetwork(
  graph: OnnxGraph,
  layers: readonly PlacedLayer[],
  weights: ReadonlyMap<string, Float32Array>,
  x: Tensor,
): Tensor {
  return layers.reduce((input, placed) => writeLayer(graph, placed, weights, input), x)
}

function writeLayer(
  graph: OnnxGraph,
  { layer, name, inputUnits, outputUnits }: PlacedLayer,
  weights: ReadonlyMap<string, Float32Array>,
  x: Tensor,
): Tensor {
  const row = (variable: string, isThere: boolean, otherwise: number) =>
    graph.weights(
      `${name}/${variable}`,
      [outputUnits],
      isThere ? find(weights, `${name}/${variable}`) : new Float32Array(outputUnits).fill(otherwise),
    )
  switch (layer.type) {
    case 'dense': {
      const kernel = `${name}/kernel`
      const inputs = [x, graph.weights(kernel, [inputUnits, outputUnits], find(weights, kernel))]
      if (layer.useBias) inputs.push(row('bias', true, 0))
      return ACTIVATIONS[layer.activation](graph, graph.node('Gemm', inputs))
    }
    case 'activation':
      return ACTIVATIONS[layer.activation](graph, x)
    case 'dropout':
      return x
    case 'batchNormalization': {
      const { scale, center, epsilon } = layer
      const rows = [
        row('gamma', scale, 1),
        row('beta', center, 0),
        row('moving_mean', true, 0),
        row('moving_variance', true, 1),
      ]
      return graph.node('BatchNormalization', [x, ...rows], { epsilon: { float: epsilon } })
    }
    case 'layerNormalization': {
      const { scale, center, epsilon } = layer
      const rows = [row('gamma', scale, 1), row('beta', center, 0)]
      return graph.node('LayerNormalization', [x, ...rows], { axis: -1, epsilon: { float: epsilon } })
    }
  }
}

function find(weights: ReadonlyMap<string, Float32Array>, name: string): Float32Array {
  const array = weights.get(name)
  if (!array) throw new AssertionError({ message: `the weights must hold ${name}` })
  return array
}
