import * as tf from '@tensorflow/tfjs-core'
import { describe, expect, it } from 'vitest'
import { ACTIVATIONS, type ActivationName } from '../../../../src/mlp/activations/registry.ts'
import { resolveOptimizer } from '../../../../src/mlp/optimizers/registry.ts'
import { buildProgram } from '../../../../src/mlp/program.ts'
import type { TrainingState } from '../../../../worker/engines/engine.ts'
import { createPortableEngine } from '../../../../worker/engines/portable/engine.ts'
import {
  CLASSES,
  drawExamples,
  firstIndices,
  type LayerRequests,
  SEED,
  specOf,
} from '../../../helpers/small-network.ts'

const BATCH = 8

const engine = await createPortableEngine()

/** A session on thirty examples of three classes. */
function openSession(seed = SEED) {
  const optimizer = resolveOptimizer({ type: 'adam' })
  const session = engine.open(buildProgram(specOf({ optimizer })), seed)
  session.load('train', drawExamples(30, CLASSES))
  return {
    ...session,
    trainOn: (indices: Int32Array, firstStep: number) =>
      session.train({
        split: 'train',
        indices,
        batchSize: BATCH,
        firstStep,
        learningRateAt: () => optimizer.learningRate,
      }),
  }
}

function bytesOf(state: TrainingState): Record<string, string> {
  return Object.fromEntries(
    [...state].map(([name, array]) => [name, Buffer.from(array.buffer).toString('hex')]),
  )
}

describe('a session', () => {
  it('leaves no tensor behind', () => {
    const before = tf.memory().numTensors
    const session = openSession()
    session.trainOn(firstIndices(30), 1)
    session.evaluate('train', firstIndices(30))
    expect(tf.memory().numTensors).toBe(before)
    session.close()
  })

  it('trains the last examples when they are fewer than a batch, and gives results in the order asked for', () => {
    const session = openSession()
    const { losses, predictions } = session.evaluate('train', Int32Array.of(9, 2, 9))
    expect(losses[0]).toBe(losses[2])
    expect(losses[0]).not.toBe(losses[1])
    expect(predictions).toHaveLength(9)
    const before = bytesOf(session.exportState())
    expect(session.trainOn(Int32Array.of(9), 1).losses[0]).toBeCloseTo(losses[0] ?? Number.NaN, 6)
    expect(bytesOf(session.exportState())).not.toEqual(before)
  })

  it('learns ten examples by heart', () => {
    const layers: LayerRequests = [
      { type: 'dense', units: 32, activation: 'tanh' },
      { type: 'dense', units: CLASSES, activation: 'softmax' },
    ]
    const program = buildProgram(specOf({ layers, optimizer: resolveOptimizer({ type: 'adam' }) }))
    const session = engine.open(program, SEED)
    session.load('train', drawExamples(10, CLASSES))
    for (let step = 1; step <= 1_500; step++) {
      session.train({
        split: 'train',
        indices: firstIndices(10),
        batchSize: 10,
        firstStep: step,
        learningRateAt: () => 0.02,
      })
    }
    const { losses } = session.evaluate('train', firstIndices(10))
    expect(Math.max(...losses)).toBeLessThan(0.01)
  })

  it('has the same state for the same seed, and another for another', () => {
    const states = [SEED, SEED, SEED + 1].map(seed => {
      const session = openSession(seed)
      session.trainOn(firstIndices(30), 1)
      return bytesOf(session.exportState())
    })
    expect(states[0]).toEqual(states[1])
    expect(states[0]).not.toEqual(states[2])
  })

  it('goes on from an exported state as if it had never stopped, to the last bit', () => {
    const whole = openSession()
    const first = openSession()
    const second = openSession(SEED + 1)
    whole.trainOn(firstIndices(30), 1)
    first.trainOn(firstIndices(30).subarray(0, 2 * BATCH), 1)
    second.importState(first.exportState())
    second.trainOn(firstIndices(30).subarray(2 * BATCH), 3)
    expect(bytesOf(second.exportState())).toEqual(bytesOf(whole.exportState()))
  })

  it('exports copies, which later training does not change', () => {
    const session = openSession()
    const exported = session.exportState()
    const before = bytesOf(exported)
    session.trainOn(firstIndices(30), 1)
    expect(bytesOf(exported)).toEqual(before)
  })

  it('refuses a state in which a variable is missing or of another size', () => {
    const session = openSession()
    const state = new Map(session.exportState())
    state.set('dense_1/kernel', new Float32Array(3))
    expect(() => session.importState(state)).toThrow('24 numbers of dense_1/kernel')
    state.delete('dense_1/kernel')
    expect(() => session.importState(state)).toThrow('24 numbers of dense_1/kernel')
  })

  it('takes the learning rate of each step', () => {
    const weightsAfter = (learningRateAt: (step: number) => number) => {
      const session = engine.open(buildProgram(specOf({})), SEED)
      session.load('train', drawExamples(30, CLASSES))
      const before = bytesOf(session.exportState())
      session.train({
        split: 'train',
        indices: firstIndices(30),
        batchSize: 10,
        firstStep: 5,
        learningRateAt,
      })
      return { before, after: bytesOf(session.exportState()) }
    }
    const asked: number[] = []
    const still = weightsAfter(step => {
      asked.push(step)
      return 0
    })
    expect(asked).toEqual([5, 6, 7])
    expect(still.after).toEqual(still.before)
    const last = weightsAfter(step => (step === 7 ? 0.1 : 0)).after
    expect(last).not.toEqual(still.before)
    expect(last).not.toEqual(weightsAfter(step => (step === 5 ? 0.1 : 0)).after)
  })

  it.each(Object.keys(ACTIVATIONS) as ActivationName[])('does not hide lost weights behind %s', hidden => {
    const session = engine.open(buildProgram(specOf({ hidden })), SEED)
    session.load('train', drawExamples(BATCH, CLASSES))
    const state = session.exportState()
    state.get('dense_1/kernel')?.fill(Number.NaN)
    session.importState(state)
    const { losses } = session.evaluate('train', firstIndices(BATCH))
    expect(Array.from(losses)).toEqual(new Array(BATCH).fill(Number.NaN))
  })
})
