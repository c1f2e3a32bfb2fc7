import { AssertionError } from 'node:assert'
import { describeMetadata } from '../exports/describe.ts'
import type { ExportedFile, ExportedModel } from '../exports/exported-model.ts'
import type { TensorflowConstant, TensorflowNode } from './graph.ts'
import { writeModel } from './write-model.ts'

/** TensorFlow.js's names of the types that its weights have here. */
const WEIGHT_TYPES: Partial<Record<TensorflowConstant['dtype'], string>> = {
  DT_FLOAT: 'float32',
  DT_INT32: 'int32',
}

/**
 * A model for `tf.loadGraphModel`: the graph as JSON, and the contents of its constants in order in `weights.bin`.
 * @see tfjs-converter/docs and tfjs-core/src/io/types.ts, ModelJSON
 */
export function writeGraphModel(model: ExportedModel): ExportedFile[] {
  const { nodes, signature } = writeModel(model, 'tfjs')
  const constants = nodes.flatMap(({ name, attr }) => {
    const { value } = attr
    return value && 'tensor' in value ? [{ name, tensor: value.tensor }] : []
  })
  const topology = {
    format: 'graph-model',
    generatedBy: 'Trainyard',
    convertedBy: null,
    signature,
    userDefinedMetadata: describeMetadata(model),
    modelTopology: { node: nodes.map(withoutContent), library: {}, versions: {} },
    weightsManifest: [
      {
        paths: ['weights.bin'],
        weights: constants.map(({ name, tensor: { dtype, tensorShape } }) => ({
          name,
          shape: tensorShape.dim.map(({ size }) => size),
          dtype: WEIGHT_TYPES[dtype],
        })),
      },
    ],
  }
  return [
    { name: 'model.json', content: Buffer.from(JSON.stringify(topology)) },
    { name: 'weights.bin', content: Buffer.concat(constants.map(({ tensor }) => contentOf(tensor))) },
  ]
}

function withoutContent({ attr, ...node }: TensorflowNode) {
  const { value, ...rest } = attr
  if (!value || !('tensor' in value)) return { ...node, attr }
  const { dtype, tensorShape } = value.tensor
  return { ...node, attr: { ...rest, value: { tensor: { dtype, tensorShape } } } }
}

function contentOf({ tensorContent }: TensorflowConstant): Uint8Array {
  if (!tensorContent) throw new AssertionError({ message: 'TensorFlow.js gets numbers only' })
  return tensorContent
}
