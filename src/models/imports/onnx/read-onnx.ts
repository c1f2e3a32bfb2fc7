import { sizeOf } from '../../exports/exported-model.ts'
import { decodeModel, ELEMENT, type OnnxModel, type OnnxValue } from '../../onnx/messages.ts'
import { FEATURES_MAX } from '../limits.ts'
import type { ModelFile } from '../model-file.ts'
import { quote } from '../parse-json.ts'
import { refuse } from '../refuse.ts'
import { Chain } from './chain.ts'
import { Constants } from './constants.ts'
import { isStandard, Walk } from './walk.ts'

/** Versions of the operators that are understood. @see https://onnx.ai/onnx/operators */
const [OPSET_MIN, OPSET_MAX] = [7, 25]

/** Operators of a graph at most. */
const NODES_MAX = 1_000

/**
 * Reads a model of ONNX whose operators are a chain of layers. Nothing of it is run.
 * @throws {AppError} MODEL_FILE_INVALID for everything that is not understood
 */
export function readOnnx(bytes: Uint8Array): ModelFile {
  const model = decode(bytes)
  const { graph } = model
  if (!graph || model.opsetImport.length === 0)
    throw refuse('the file must be a model of ONNX; it has no graph of operators')
  if (graph.node.length > NODES_MAX)
    throw refuse(`a graph may have ${NODES_MAX} operators; this one has ${graph.node.length}`)
  const constants = new Constants(graph)
  const input = onlyOne(
    'input',
    graph.input.filter(({ name }) => !constants.has(name)),
  )
  const output = onlyOne('output', graph.output)
  const { shape, dtype } = describeInput(input)
  assertOpset(model)
  const walk = new Walk(graph, constants)
  const chain = new Chain(shape)
  walk.follow(chain, input.name ?? '', output.name ?? '')
  const { producerName, producerVersion } = model
  return {
    format: 'onnx',
    generatedBy: producerName ? `${producerName} ${producerVersion ?? ''}`.trim().slice(0, 100) : null,
    inputShape: shape,
    inputDtype: dtype,
    steps: chain.end(),
    own: null,
  }
}

function decode(bytes: Uint8Array): OnnxModel {
  try {
    return decodeModel(bytes)
  } catch {
    throw refuse(
      'the file must be a ZIP of a TensorFlow.js model, a .keras file or a model of ONNX; it is none of them',
    )
  }
}

function onlyOne(what: string, values: readonly OnnxValue[]): OnnxValue {
  const [only] = values
  if (only && values.length === 1) return only
  throw refuse(`a model must have one ${what}; received ${quote(values.map(({ name }) => name))}`)
}

function describeInput({ name, type }: OnnxValue): { shape: number[]; dtype: 'uint8' | 'float32' } {
  const { elemType, shape } = type?.tensorType ?? {}
  const [, ...features] = shape?.dim.map(({ dimValue = 0 }) => dimValue) ?? []
  const isShape = features.length > 0 && features.every(length => Number.isSafeInteger(length) && length > 0)
  if (!isShape || sizeOf(features) > FEATURES_MAX) {
    throw refuse(
      `the input ${quote(name)} must be a batch of at most ${FEATURES_MAX} features each; received ${quote(features)}`,
    )
  }
  if (elemType !== ELEMENT.float && elemType !== ELEMENT.uint8) {
    throw refuse(`the input ${quote(name)} must be float32 or uint8; received the type ${elemType}`)
  }
  return { shape: features, dtype: elemType === ELEMENT.uint8 ? 'uint8' : 'float32' }
}

function assertOpset({ opsetImport }: OnnxModel): void {
  const version = opsetImport.find(({ domain = '' }) => isStandard(domain))?.version ?? 0
  if (version >= OPSET_MIN && version <= OPSET_MAX) return
  throw refuse(`the operators must be of version ${OPSET_MIN} to ${OPSET_MAX}; received ${version}`)
}
