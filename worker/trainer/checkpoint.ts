import type { TrainingState } from '../engines/engine.ts'

/** Where a training is, and what of the running epoch was counted already. All that is needed to go on exactly. */
export interface Place {
  /** Epochs completed. */
  epoch: number
  /** Steps done over all epochs. */
  step: number
  /** Sums over the examples of the running epoch; zero at its start. */
  running: { examples: number; loss: number; correct: number; durationMs: number }
}

/** The random state is not in it: every stream is derived from the seed and the place. */
export interface Checkpoint {
  seed: number
  place: Place
  state: TrainingState
}

/**
 * A checkpoint as bytes, in the safetensors format, which Python tools can open too.
 * @see https://github.com/huggingface/safetensors#format: 8 bytes length of the header (little-endian), a JSON
 *   header of names, dtypes, shapes and offsets, then the numbers
 */
export function encodeCheckpoint({ seed, place, state }: Checkpoint): Buffer {
  let offset = 0
  const tensors = [...state].map(([name, { byteLength, length }]) => {
    const from = offset
    offset += byteLength
    return [name, { dtype: 'F32', shape: [length], data_offsets: [from, offset] }]
  })
  const metadata = { trainyard: JSON.stringify({ seed, place }) }
  const json = JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(tensors) })
  const header = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8)) // numbers begin at a multiple of 8
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.length))
  const arrays = [...state.values()].map(array =>
    Buffer.from(array.buffer, array.byteOffset, array.byteLength),
  )
  return Buffer.concat([length, header, ...arrays])
}

/** Reads what `encodeCheckpoint` wrote; the caller has checked the hash. */
export function decodeCheckpoint(bytes: Buffer): Checkpoint {
  const headerEnd = 8 + Number(bytes.readBigUInt64LE())
  const { __metadata__: metadata, ...tensors } = JSON.parse(bytes.toString('utf8', 8, headerEnd))
  const state = new Map<string, Float32Array>()
  for (const [name, { data_offsets: offsets }] of Object.entries<{ data_offsets: [number, number] }>(
    tensors,
  )) {
    const [from, to] = offsets.map(offset => bytes.byteOffset + headerEnd + offset) as [number, number]
    state.set(name, new Float32Array(bytes.buffer.slice(from, to)))
  }
  return { ...JSON.parse(metadata.trainyard), state }
}
