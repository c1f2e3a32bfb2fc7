import { STOPPING_START, type StoppingState } from '../../src/mlp/early-stopping.ts'
import { PLATEAU_START, type PlateauState } from '../../src/mlp/schedules/reduce-on-plateau.ts'
import type { TrainingState } from '../engines/engine.ts'
import type { FoldsDone } from './folds-done.ts'

/** Where a fit is, and what it remembers. With the variables it is all that is needed to go on exactly. */
export interface Place {
  /** Epochs of the fit that are completed. */
  epoch: number
  /** Steps done over all epochs of the fit. */
  step: number
  /** Sums over the examples of the running epoch; those of each metric as its accumulator has them. */
  running: { examples: number; loss: number; durationMs: number; metrics: Record<string, Float64Array> }
  stopping: StoppingState
  plateau: PlateauState
}

/** Before the first step. */
export function startPlace(): Place {
  return { epoch: 0, step: 0, running: startEpoch(), stopping: STOPPING_START, plateau: PLATEAU_START }
}

/** Before the first step of an epoch. */
export function startEpoch(): Place['running'] {
  return { examples: 0, loss: 0, durationMs: 0, metrics: {} }
}

/** The random state is not in it: every stream is derived from the seed and the place. */
export interface Checkpoint {
  seed: number
  place: Place
  state: TrainingState
  /** The weights of the best epoch, where early stopping will want them back. */
  best: TrainingState | null
  /** What the folds before gave; null before the end of the first. */
  folds: FoldsDone | null
}

const BEST = 'best/'
const OUT_OF_FOLD = 'folds/predictions'

/**
 * A checkpoint as bytes, in the safetensors format, which Python tools can open too.
 * @see https://github.com/huggingface/safetensors#format: 8 bytes length of the header (little-endian), a JSON
 *   header of names, dtypes, shapes and offsets, then the numbers
 */
export function encodeCheckpoint({ seed, place, state, best, folds }: Checkpoint): Buffer {
  const named = [
    ...state,
    ...[...(best ?? [])].map(([name, array]) => [`${BEST}${name}`, array] as const),
    ...(folds ? [[OUT_OF_FOLD, folds.predictions] as const] : []),
  ]
  let offset = 0
  const tensors = named.map(([name, { byteLength, length }]) => {
    const from = offset
    offset += byteLength
    return [name, { dtype: 'F32', shape: [length], data_offsets: [from, offset] }]
  })
  const running = { ...place.running, metrics: writeSums(place.running.metrics) }
  const done = folds && { results: folds.results, sums: writeSums(folds.sums) }
  const metadata = {
    trainyard: JSON.stringify({ seed, place: { ...place, running }, ...(done && { folds: done }) }),
  }
  const json = JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(tensors) })
  const header = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8)) // numbers begin at a multiple of 8
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.length))
  const arrays = named.map(([, array]) => Buffer.from(array.buffer, array.byteOffset, array.byteLength))
  return Buffer.concat([length, header, ...arrays])
}

function writeSums(sums: Record<string, Float64Array>): Record<string, number[]> {
  return Object.fromEntries(Object.entries(sums).map(([name, array]) => [name, Array.from(array)]))
}

function readSums(sums: Record<string, number[]>): Record<string, Float64Array> {
  return Object.fromEntries(Object.entries(sums).map(([name, array]) => [name, Float64Array.from(array)]))
}

/** Reads what `encodeCheckpoint` wrote, of earlier releases too; the caller has checked the hash. */
export function decodeCheckpoint(bytes: Buffer): Checkpoint {
  const headerEnd = 8 + Number(bytes.readBigUInt64LE())
  const { __metadata__: metadata, ...tensors } = JSON.parse(bytes.toString('utf8', 8, headerEnd))
  const state = new Map<string, Float32Array>()
  const best = new Map<string, Float32Array>()
  let predictions: Float32Array = new Float32Array()
  for (const [name, { data_offsets: offsets }] of Object.entries<{ data_offsets: [number, number] }>(
    tensors,
  )) {
    const [from, to] = offsets.map(offset => bytes.byteOffset + headerEnd + offset) as [number, number]
    const array = new Float32Array(bytes.buffer.slice(from, to))
    if (name === OUT_OF_FOLD) predictions = array
    else if (name.startsWith(BEST)) best.set(name.slice(BEST.length), array)
    else state.set(name, array)
  }
  const { seed, place, folds = null } = JSON.parse(metadata.trainyard)
  place.running.metrics = readSums(place.running.metrics)
  return {
    seed,
    place,
    state,
    best: best.size > 0 ? best : null,
    folds: folds && { results: folds.results, sums: readSums(folds.sums), predictions },
  }
}
