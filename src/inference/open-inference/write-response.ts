import type { Work } from '../turns.ts'
import type { OutputTensor } from './output-tensors.ts'

/** What an answer says besides its outputs. */
export interface ResponseHead {
  model_name: string
  model_version: string
  id?: string
}

/** An answer: JSON, and binary data to be put behind it. */
export interface InferResponse {
  json: string
  /** Null: none of the outputs is binary. */
  binary: Buffer | null
}

/** Numbers that become text between two looks at the clock. */
const NUMBERS_AT_ONCE = 1_024

/** Writes an answer; numbers go straight from their array to text or bytes. */
export async function writeInferResponse(
  head: ResponseHead,
  outputs: readonly OutputTensor[],
  work: Work,
): Promise<InferResponse> {
  const described: string[] = []
  const binary: Buffer[] = []
  for (const output of outputs) {
    const { name, datatype, shape } = output
    const about = JSON.stringify({ name, datatype, shape }).slice(0, -1)
    if (output.isBinary) {
      const data = output.datatype === 'BYTES' ? writeElements(output.texts) : bytesOf(output.numbers)
      binary.push(data)
      described.push(`${about},"parameters":{"binary_data_size":${data.length}}}`)
    } else {
      const data =
        output.datatype === 'BYTES' ? JSON.stringify(output.texts) : await writeNumbers(output.numbers, work)
      described.push(`${about},"data":${data}}`)
    }
  }
  const json = `${JSON.stringify(head).slice(0, -1)},"outputs":[${described.join(',')}]}`
  return { json, binary: binary.length === 0 ? null : Buffer.concat(binary) }
}

/** Finite numbers as a JSON list. */
async function writeNumbers(numbers: Float32Array, work: Work): Promise<string> {
  const pieces: string[] = []
  for (let from = 0; from < numbers.length; from += NUMBERS_AT_ONCE) {
    pieces.push(numbers.subarray(from, from + NUMBERS_AT_ONCE).join())
    if (work.isOver()) await work.next()
  }
  return `[${pieces.join()}]`
}

/** The bytes of numbers without a copy; little-endian, as the platforms are that Node runs on. */
export function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}

/** Texts in UTF-8, before each its length in four bytes. */
export function writeElements(texts: readonly string[]): Buffer {
  const data = Buffer.allocUnsafe(texts.reduce((sum, text) => sum + 4 + Buffer.byteLength(text), 0))
  let at = 0
  for (const text of texts) {
    const length = data.write(text, at + 4)
    data.writeUInt32LE(length, at)
    at += 4 + length
  }
  return data
}
