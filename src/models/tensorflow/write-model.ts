import { createEncoder } from '../../preprocessing/encoder.ts'
import { type ExportedModel, outputNameOf } from '../exports/exported-model.ts'
import { INPUT, precisionFor, writeFeatures } from '../exports/graph/write-features.ts'
import { writeOutputs } from '../exports/graph/write-outputs.ts'
import { usedColumns } from '../exports/used-columns.ts'
import { shapeOf, TensorflowGraph, type TensorflowNode } from './graph.ts'
import type { Signature } from './messages.ts'
import { writeNetwork } from './write-network.ts'

/** A model as a graph of TensorFlow. */
export interface WrittenModel {
  nodes: readonly TensorflowNode[]
  signature: Signature
}

/**
 * Writes a model as a graph: inputs in the data's own units, preprocessing, network, outputs as the service answers.
 * @param runtime - TensorFlow.js has neither bytes, nor float64, nor texts to compare: there everything is float32, and
 *   of a table the encoded features go in
 */
export function writeModel(model: ExportedModel, runtime: 'tensorflow' | 'tfjs'): WrittenModel {
  const { manifest, weights } = model
  const { shape, columns = null } = manifest.input
  const { inputUnits } = createEncoder(manifest.preprocessing, columns, shape)
  const graph = new TensorflowGraph(runtime === 'tfjs' ? 'float32' : precisionFor(manifest))
  const features =
    runtime === 'tfjs' && usedColumns(manifest)
      ? graph.input(INPUT, 'float32', [inputUnits])
      : writeFeatures(graph, manifest, runtime === 'tfjs' ? 'float32' : 'uint8')
  const { outputs, units } = writeNetwork(graph, { network: manifest.network, inputUnits }, weights, features)
  const name = outputNameOf(model)
  const written = writeOutputs(graph, manifest, outputs, units)
  const node = graph.node('Identity', [written], { T: { type: 'DT_FLOAT' } }, name)
  const outputUnits = manifest.kind === 'classification' ? Math.max(2, units) : units
  const info = (node: string, dtype: string, shape: readonly number[]) => ({
    name: `${node}:0`,
    dtype,
    tensorShape: shapeOf(shape),
  })
  return {
    nodes: graph.nodes,
    signature: {
      inputs: Object.fromEntries(
        Object.entries(graph.inputs).map(([name, { node, dtype, shape }]) => [
          name,
          info(node, dtype, shape),
        ]),
      ),
      outputs: { [name]: info(node, 'DT_FLOAT', [-1, outputUnits]) },
    },
  }
}
