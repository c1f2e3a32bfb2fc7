import { fieldError } from '../../errors.ts'
import type { ModelInterface } from '../named-inputs/model-interface.ts'
import { rankIndices } from '../rank-classes.ts'
import type { InferRequest, RequestedOutput } from './read-request.ts'

/** Name of the output that says the most probable class of each example. */
export const LABEL_NAME = 'label'

/** An output of an answer. */
export type OutputTensor = { name: string; shape: readonly number[]; isBinary: boolean } & (
  | { datatype: 'FP32'; numbers: Float32Array }
  | { datatype: 'BYTES'; texts: readonly string[] }
)

/**
 * The outputs that a request wants, in its order.
 * @param values - `[count, outputs]`, as the model gave them
 * @throws {AppError} INPUT_INVALID for an output that the model does not have
 */
export function buildOutputs(
  model: ModelInterface,
  { outputs, isBinary }: Pick<InferRequest, 'outputs' | 'isBinary'>,
  values: Float32Array,
): OutputTensor[] {
  const names = outputNames(model)
  const wanted = outputs ?? names.map(name => ({ name, isBinary, classification: 0 }))
  return wanted.map((output, index) => {
    if (!names.includes(output.name)) {
      const detail = `an output must be one of ${names.join(', ')}; received ${output.name}`
      throw fieldError('INPUT_INVALID', `/outputs/${index}/name`, detail)
    }
    return buildOutput(model, output, values, `/outputs/${index}`)
  })
}

/** The outputs that a model has. */
export function outputNames({ kind, output }: ModelInterface): string[] {
  return kind === 'classification' ? [output.name, LABEL_NAME] : [output.name]
}

function buildOutput(
  model: ModelInterface,
  { name, isBinary, classification }: RequestedOutput,
  values: Float32Array,
  pointer: string,
): OutputTensor {
  const { width, names } = model.output
  const count = values.length / width
  const rows = () =>
    Array.from({ length: count }, (_, row) => values.subarray(row * width, (row + 1) * width))
  if (name === LABEL_NAME) {
    if (classification > 0) {
      const detail = `classification needs an output of numbers, ${model.output.name}; received ${LABEL_NAME}`
      throw fieldError('INPUT_INVALID', `${pointer}/parameters/classification`, detail)
    }
    const texts = rows().map(row => names[rankIndices(row, 1)[0] ?? 0] ?? '')
    return { name, isBinary, datatype: 'BYTES', shape: [count], texts }
  }
  if (classification === 0)
    return { name, isBinary, datatype: 'FP32', shape: [count, width], numbers: values }
  const listed = Math.min(classification, width)
  const texts = rows().flatMap(row => rankIndices(row, listed).map(place => describeClass(row, place, names)))
  return { name, isBinary, datatype: 'BYTES', shape: [count, listed], texts }
}

/** @see https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_classification.md */
function describeClass(row: Float32Array, place: number, names: readonly string[]): string {
  const name = names[place]
  return name === undefined ? `${row[place]}:${place}` : `${row[place]}:${place}:${name}`
}
