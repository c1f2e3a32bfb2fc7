import { AppError, fieldError } from '../../errors.ts'
import { cutNumbers, findCut, type NumberArray } from '../named-inputs/cut-numbers.ts'
import { type NamedInput, nameOf, type TensorValues } from '../named-inputs/named-input.ts'
import type { Work } from '../turns.ts'
import {
  assertDatatype,
  DATATYPES,
  type Datatype,
  isDatatype,
  readElements,
  readNumbers,
} from './datatypes.ts'
import type { InferRequestJson } from './schemas.ts'

/** An output as it is wanted. */
export interface RequestedOutput {
  name: string
  isBinary: boolean
  /** So many of the greatest values, with their classes; 0: all values. */
  classification: number
}

/** A request to infer, read. */
export interface InferRequest {
  id: string | null
  inputs: NamedInput[]
  /** Null: all there are. */
  outputs: RequestedOutput[] | null
  /** Whether outputs are binary that are not requested by name. */
  isBinary: boolean
  /** When it was wanted in the parameters, where 0 stands for none, as in Triton. */
  timeoutMs: number | null
}

/** Parses JSON and checks it against the schema of a request. */
export type ParseInferRequest = (json: string) => InferRequestJson

const DATA_FIELDS = { keys: new Set(['data']), depth: 3 } // { inputs: [{ data

type InputJson = InferRequestJson['inputs'][number]

/**
 * Reads a request to infer: JSON, or JSON with binary data behind it.
 * @param jsonLength - bytes of the JSON; null: all of the body
 * @throws {AppError} MALFORMED_REQUEST, VALIDATION_FAILED, INPUT_INVALID
 * @see https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
 */
export async function readInferRequest(
  parse: ParseInferRequest,
  body: Buffer,
  jsonLength: number | null,
  work: Work,
): Promise<InferRequest> {
  const text = jsonLength === null ? body : body.subarray(0, jsonLength)
  const { json, arrays } = await cutNumbers(text, DATA_FIELDS, work)
  const { id = null, parameters, inputs, outputs } = parse(json)
  const binary = sliceBinary(inputs, body.subarray(text.length))
  const isBinary = parameters?.binary_data_output ?? false
  const read: NamedInput[] = []
  for (const [index, input] of inputs.entries()) {
    read.push(await readInput(input, `/inputs/${index}`, binary[index] ?? null, arrays, work))
  }
  return {
    id,
    inputs: read,
    outputs:
      outputs?.map(({ name, parameters: own }, index) => {
        refuseSharedMemory(own, `/outputs/${index}`)
        return { name, isBinary: own?.binary_data ?? isBinary, classification: own?.classification ?? 0 }
      }) ?? null,
    isBinary,
    timeoutMs: parameters?.timeout ? parameters.timeout / 1_000 : null,
  }
}

/** The binary data of each input; null where it has none. */
function sliceBinary(inputs: readonly InputJson[], data: Buffer): (Buffer | null)[] {
  let at = 0
  const slices = inputs.map(({ parameters }) => {
    const size = parameters?.binary_data_size
    if (size === undefined) return null
    at += size
    return data.subarray(at - size, at)
  })
  if (at === data.length) return slices
  const detail = `the bytes behind the JSON must be the ${at} of all binary_data_size; received ${data.length}`
  throw new AppError('MALFORMED_REQUEST', detail)
}

async function readInput(
  { name, datatype, shape, data, parameters }: InputJson,
  pointer: string,
  binary: Buffer | null,
  arrays: readonly NumberArray[],
  work: Work,
): Promise<NamedInput> {
  refuseSharedMemory(parameters, pointer)
  const known = assertKnown(datatype, pointer)
  if ((data === undefined) === (binary === null)) {
    throw fieldError('INPUT_INVALID', pointer, 'there must be either data or binary_data_size')
  }
  const values = binary
    ? readBinary(known, shape, binary, pointer)
    : await readJson(known, shape, findCut(data, arrays) ?? data, pointer, work)
  return nameInput(name, values, pointer)
}

/** @throws {AppError} INPUT_INVALID for a datatype that is not taken */
export function assertKnown(datatype: string, pointer: string): Datatype {
  if (isDatatype(datatype)) return datatype
  const detail = `must be one of ${DATATYPES.join(', ')}; received ${datatype}`
  throw fieldError('INPUT_INVALID', `${pointer}/datatype`, detail)
}

/**
 * Values as an input of a request.
 * @param pointer - where it stands in the request
 * @throws {AppError} INPUT_INVALID when the shape is not that of the values
 */
export function nameInput(name: string, values: TensorValues, pointer: string): NamedInput {
  const { shape } = values
  const length = values.kind === 'numbers' ? values.numbers.length : values.elements.length
  const product = shape.reduce((elements, dimension) => elements * dimension, 1)
  if (length !== product) {
    const detail = `the shape [${shape.join(', ')}] must be that of the data, which has ${length} elements`
    throw fieldError('INPUT_INVALID', `${pointer}/shape`, detail)
  }
  return { name, values, pointer, pointerOf: index => `${pointer}/data/${index}` }
}

/**
 * Values of binary data.
 * @throws {AppError} INPUT_INVALID when it does not hold whole values
 */
export function readBinary(
  datatype: Datatype,
  shape: readonly number[],
  data: Buffer,
  pointer: string,
): TensorValues {
  if (datatype === 'BYTES') return { kind: 'elements', elements: readElements(data, pointer), shape }
  return { kind: 'numbers', numbers: readNumbers(datatype, data, pointer), shape }
}

/** @param data - an array of numbers that was cut out, or whatever stood there */
async function readJson(
  datatype: Datatype,
  shape: readonly number[],
  data: unknown,
  pointer: string,
  work: Work,
): Promise<TensorValues> {
  const where = `${pointer}/data`
  if (isNumberArray(data)) {
    if (datatype === 'BYTES')
      throw fieldError('INPUT_INVALID', where, 'BYTES must be texts; received numbers')
    await assertDatatype(datatype, data.numbers, where, work)
    return { kind: 'numbers', numbers: data.numbers, shape }
  }
  if (!Array.isArray(data)) throw fieldError('INPUT_INVALID', where, 'must be a list')
  const elements = data.flat(shape.length)
  if (datatype === 'BYTES') {
    return { kind: 'elements', elements: assertEach(elements, isText, 'BYTES must be texts', where), shape }
  }
  if (datatype === 'BOOL' && elements.every(element => typeof element === 'boolean')) {
    return { kind: 'numbers', numbers: Uint8Array.from(elements, Number), shape }
  }
  assertEach(elements, isNumberOrNull, `${datatype} must be numbers, or null where one is missing`, where)
  const numbers = elements.filter(element => element !== null) as number[] // checked just now
  await assertDatatype(datatype, Float64Array.from(numbers), where, work)
  return { kind: 'elements', elements, shape }
}

function isText(element: unknown): boolean {
  return typeof element === 'string'
}

function isNumberOrNull(element: unknown): boolean {
  return element === null || typeof element === 'number'
}

/** @throws {AppError} INPUT_INVALID with the place of the element that is wrong */
function assertEach<Element>(
  elements: readonly Element[],
  isRight: (element: Element) => boolean,
  rule: string,
  where: string,
): readonly Element[] {
  const wrong = elements.findIndex(element => !isRight(element))
  if (wrong === -1) return elements
  throw fieldError('INPUT_INVALID', where, `${rule}; element ${wrong} is ${nameOf(elements[wrong])}`)
}

function isNumberArray(data: unknown): data is NumberArray {
  return (
    typeof data === 'object' && data !== null && 'numbers' in data && data.numbers instanceof Float64Array
  )
}

/** @throws {AppError} INPUT_INVALID; the data of a region would be missing without a word */
export function refuseSharedMemory(parameters: object | undefined, pointer: string): void {
  if (!parameters || !('shared_memory_region' in parameters)) return
  const detail = 'data must be in the request; shared memory is not there'
  throw fieldError('INPUT_INVALID', `${pointer}/parameters/shared_memory_region`, detail)
}
