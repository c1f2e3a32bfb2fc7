import { placeLayers } from '../../mlp/network.ts'
import { createEncoder } from '../../preprocessing/encoder.ts'
import { readVersion } from '../../version.ts'
import { describeExport, describeMetadata } from '../exports/describe.ts'
import { type ExportedModel, outputNameOf } from '../exports/exported-model.ts'
import { precisionFor, writeFeatures } from '../exports/graph/write-features.ts'
import { writeOutputs } from '../exports/graph/write-outputs.ts'
import { ELEMENT, encodeModel } from './messages.ts'
import { describeValue, OnnxGraph } from './onnx-graph.ts'
import { writeNetwork } from './write-network.ts'

/** The first operator set with Gelu. @see https://onnx.ai/onnx/operators/onnx__Gelu.html */
const OPSET = 20

/** The format that came with it. @see https://github.com/onnx/onnx/blob/main/docs/Versioning.md */
const IR_VERSION = 9

/**
 * A model as an ONNX file: inputs in the data's own units, preprocessing as the first operators, outputs as the
 * service answers; classes and manifest in its metadata.
 */
export function writeOnnx(model: ExportedModel): Uint8Array {
  const { manifest, weights, name, version } = model
  const { shape, columns = null } = manifest.input
  const { inputUnits } = createEncoder(manifest.preprocessing, columns, shape)
  const layers = placeLayers(manifest.network, inputUnits)
  const units = layers.at(-1)?.outputUnits ?? inputUnits
  const graph = new OnnxGraph(precisionFor(manifest))
  const features = writeFeatures(graph, manifest, 'uint8')
  const outputs = writeOutputs(graph, manifest, writeNetwork(graph, layers, weights, features), units)
  const output = freeName(outputNameOf(model), graph)
  graph.node('Identity', [outputs], {}, output)
  const outputUnits = manifest.kind === 'classification' ? Math.max(2, units) : units
  return encodeModel({
    irVersion: IR_VERSION,
    opsetImport: [{ domain: '', version: OPSET }],
    producerName: 'Trainyard',
    producerVersion: readVersion(),
    modelVersion: version,
    docString: describeExport('onnx', model),
    graph: {
      name,
      node: graph.nodes,
      initializer: graph.initializers,
      input: graph.inputs,
      output: [describeValue(output, ELEMENT.float, [outputUnits])],
    },
    metadataProps: Object.entries(describeMetadata(model)).map(([key, value]) => ({ key, value })),
  })
}

/** A column of a table may be called like the output. */
function freeName(name: string, { inputs }: OnnxGraph): string {
  const isTaken = inputs.some(input => input.name === name)
  return isTaken ? `/${name}` : name
}
