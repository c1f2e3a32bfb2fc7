import { fieldError } from '../../../errors.ts'
import type { NamedInput, TensorValues } from '../../named-inputs/named-input.ts'
import type { Work } from '../../turns.ts'
import { assertDatatype, type Datatype } from '../datatypes.ts'
import { assertKnown, type InferRequest, nameInput, readBinary, refuseSharedMemory } from '../read-request.ts'
import type {
  InferInputMessage,
  InferParameter,
  InferRequestMessage,
  InferTensorContents,
} from './messages.ts'

/** Where the values of a datatype stand. @see open_inference_grpc.proto, InferTensorContents */
const LISTS: Readonly<Record<Datatype, keyof InferTensorContents>> = {
  BOOL: 'boolContents',
  INT8: 'intContents',
  INT16: 'intContents',
  INT32: 'intContents',
  INT64: 'int64Contents',
  UINT8: 'uintContents',
  UINT16: 'uintContents',
  UINT32: 'uintContents',
  UINT64: 'uint64Contents',
  FP32: 'fp32Contents',
  FP64: 'fp64Contents',
  BYTES: 'bytesContents',
}

/**
 * Reads a request to infer. It is answered as it came: with raw bytes, or with lists.
 * @throws {AppError} INPUT_INVALID
 */
export async function readInferMessage(
  { id, parameters, inputs, outputs, rawInputContents: raw }: InferRequestMessage,
  work: Work,
): Promise<InferRequest> {
  const isRaw = raw.length > 0
  for (const [index, input] of inputs.entries()) refuseSharedMemory(input.parameters, `/inputs/${index}`)
  if (isRaw && raw.length !== inputs.length) {
    const detail = `there must be one for each of the ${inputs.length} inputs; received ${raw.length}`
    throw fieldError('INPUT_INVALID', '/raw_input_contents', detail)
  }
  const read: NamedInput[] = []
  for (const [index, input] of inputs.entries()) {
    read.push(await readInput(input, `/inputs/${index}`, raw[index] ?? null, work))
  }
  const timeout = numberOf(parameters.timeout)
  return {
    id: id === '' ? null : id,
    inputs: read,
    outputs:
      outputs.length === 0
        ? null
        : outputs.map(({ name, parameters: own }, index) => {
            refuseSharedMemory(own, `/outputs/${index}`)
            return { name, isBinary: isRaw, classification: numberOf(own.classification) }
          }),
    isBinary: isRaw,
    timeoutMs: timeout > 0 ? timeout / 1_000 : null,
  }
}

async function readInput(
  { name, datatype, shape, contents }: InferInputMessage,
  pointer: string,
  raw: Buffer | null,
  work: Work,
): Promise<NamedInput> {
  const known = assertKnown(datatype, pointer)
  if ((contents === null) === (raw === null)) {
    throw fieldError('INPUT_INVALID', pointer, 'there must be either contents or raw_input_contents')
  }
  const values = raw
    ? readBinary(known, shape, raw, pointer)
    : await readContents(known, shape, contents?.[LISTS[known]] ?? [], pointer, work)
  return nameInput(name, values, pointer)
}

async function readContents(
  datatype: Datatype,
  shape: readonly number[],
  list: readonly (number | boolean | Buffer)[],
  pointer: string,
  work: Work,
): Promise<TensorValues> {
  if (datatype === 'BYTES') return { kind: 'elements', elements: list, shape }
  const numbers = Float64Array.from(list, Number)
  await assertDatatype(datatype, numbers, `${pointer}/contents`, work)
  return { kind: 'numbers', numbers, shape }
}

/** A whole number; 0 where there is none. */
function numberOf(parameter: InferParameter | undefined): number {
  return parameter?.int64Param ?? parameter?.uint64Param ?? 0
}
