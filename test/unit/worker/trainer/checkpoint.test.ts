import { describe, expect, it } from 'vitest'
import type { TrainingState } from '../../../../worker/engines/engine.ts'
import {
  type Checkpoint,
  decodeCheckpoint,
  encodeCheckpoint,
  startPlace,
} from '../../../../worker/trainer/checkpoint.ts'

const CHECKPOINT: Checkpoint = {
  seed: Number.MAX_SAFE_INTEGER,
  place: {
    epoch: 3,
    step: 1_234,
    running: {
      examples: 96,
      loss: 0.1 + 0.2,
      durationMs: 12.5,
      metrics: {
        accuracy: Float64Array.of(71, 96),
        logLoss: Float64Array.of(1 / 3, 96),
        r2: new Float64Array(4),
      },
    },
    stopping: { best: 0.1, wait: 2, isOver: false },
    plateau: { factor: 0.25, best: null, wait: 1, cooldown: 3 },
  },
  state: new Map([
    ['dense_1/kernel', Float32Array.of(1, -0, 2 ** -149, 3.4028234663852886e38, Number.POSITIVE_INFINITY)],
    ['dense_1/bias', Float32Array.of(0.1)],
    ['dense_1/bias/adam_m', new Float32Array(0)],
  ]),
  best: new Map([
    ['dense_1/kernel', Float32Array.of(5, 4, 3, 2, 1 / 3)],
    ['dense_1/bias', Float32Array.of(-0)],
  ]),
  folds: null,
}

function headerOf(bytes: Buffer) {
  const length = Number(bytes.readBigUInt64LE())
  return { length, tensors: JSON.parse(bytes.toString('utf8', 8, 8 + length)) }
}

function bitsOf(array: Float32Array = new Float32Array()): number[] {
  return Array.from(new Uint32Array(array.buffer, array.byteOffset, array.length))
}

function expectSameBits(read: TrainingState | null, written: TrainingState | null) {
  expect([...(read?.keys() ?? [])]).toEqual([...(written?.keys() ?? [])])
  for (const [name, array] of written ?? []) expect(bitsOf(read?.get(name)), name).toEqual(bitsOf(array))
}

describe('a checkpoint', () => {
  it('comes back from its bytes as it was, to the last bit', () => {
    const { state, best, ...rest } = decodeCheckpoint(encodeCheckpoint(CHECKPOINT))
    expect(rest).toEqual({ seed: CHECKPOINT.seed, place: CHECKPOINT.place, folds: null })
    expectSameBits(state, CHECKPOINT.state)
    expectSameBits(best, CHECKPOINT.best)
  })

  it('between folds comes back with all that these gave', () => {
    const folds = {
      results: [
        {
          fold: 1,
          examples: 2,
          epochs: 3,
          trainedEpochs: 5,
          steps: 40,
          loss: 0.1 + 0.2,
          metrics: { auc: null },
        },
      ],
      sums: { auc: Float64Array.of(1 / 3, 2) },
      predictions: Float32Array.of(1, 0, -0, 1 / 3),
    }
    const { folds: read, ...rest } = decodeCheckpoint(encodeCheckpoint({ ...CHECKPOINT, folds }))
    expect(read).toEqual(folds)
    expect(bitsOf(read?.predictions)).toEqual(bitsOf(folds.predictions))
    expect(rest.place).toEqual(CHECKPOINT.place)
    expectSameBits(rest.state, CHECKPOINT.state)
    expectSameBits(rest.best, CHECKPOINT.best)
  })

  it('of a job without folds is as in releases that knew none', () => {
    const { tensors } = headerOf(encodeCheckpoint(CHECKPOINT))
    expect(Object.keys(JSON.parse(tensors.__metadata__.trainyard))).toEqual(['seed', 'place'])
  })

  it('of a place before the first step comes back too, without best weights', () => {
    const checkpoint = { ...CHECKPOINT, place: startPlace(), best: null }
    expect(decodeCheckpoint(encodeCheckpoint(checkpoint))).toMatchObject({ place: startPlace(), best: null })
  })

  it('holds only the numbers that are its own, also when they are part of a larger buffer', () => {
    const large = Float32Array.of(9, 1, 2, 9)
    const bytes = encodeCheckpoint({ ...CHECKPOINT, state: new Map([['a', large.subarray(1, 3)]]) })
    const moved = Buffer.concat([Buffer.alloc(3), bytes]).subarray(3) // no multiple of 4 in memory
    expect(decodeCheckpoint(moved).state.get('a')).toEqual(Float32Array.of(1, 2))
  })

  it('is a safetensors file: header, then float32 in little-endian at the offsets it names', () => {
    const bytes = encodeCheckpoint(CHECKPOINT)
    const { length, tensors } = headerOf(bytes)
    expect(tensors['dense_1/kernel']).toEqual({ dtype: 'F32', shape: [5], data_offsets: [0, 20] })
    expect(tensors['dense_1/bias']).toEqual({ dtype: 'F32', shape: [1], data_offsets: [20, 24] })
    expect(bytes.readFloatLE(8 + length + 20)).toBe(Math.fround(0.1))
    expect(tensors['best/dense_1/kernel']).toEqual({ dtype: 'F32', shape: [5], data_offsets: [24, 44] })
    expect(bytes.readFloatLE(8 + length + 24)).toBe(5)
    expect(bytes).toHaveLength(8 + length + 48)
  })

  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'has its numbers at a multiple of 8, with a name of length %i',
    length => {
      const state = new Map([['x'.repeat(length), Float32Array.of(1)]])
      const bytes = encodeCheckpoint({ ...CHECKPOINT, state })
      expect(headerOf(bytes).length % 8).toBe(0)
      expect(bytes.readFloatLE(8 + headerOf(bytes).length)).toBe(1)
    },
  )
})
