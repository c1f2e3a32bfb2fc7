import * as tf from '@tensorflow/tfjs-core'
import { describe, expect, it } from 'vitest'
import { ACTIVATIONS, type ActivationName } from '../../../../src/mlp/activations/registry.ts'
import { createInterpreter } from '../../../../src/mlp/interpreter.ts'
import { LOSSES, type LossName } from '../../../../src/mlp/losses/registry.ts'
import { type OptimizerSpec, resolveOptimizer } from '../../../../src/mlp/optimizers/registry.ts'
import { buildProgram, type Program, type ProgramSpec } from '../../../../src/mlp/program.ts'
import { createRandom } from '../../../../src/mlp/random.ts'
import type { Examples, TrainingState } from '../../../../worker/engines/engine.ts'
import { initialState } from '../../../../worker/engines/initial-state.ts'
import { createPortableEngine } from '../../../../worker/engines/portable/engine.ts'

const SEED = 5
const BATCH = 8
const STEPS = 20
const UNITS = 4
const CLASSES = 3

const engine = await createPortableEngine()

const OPTIMIZERS: Record<string, OptimizerSpec> = {
  sgd: resolveOptimizer({ type: 'sgd', learningRate: 0.1 }),
  momentum: resolveOptimizer({ type: 'sgd', learningRate: 0.1, momentum: 0.9 }),
  nesterov: resolveOptimizer({ type: 'sgd', learningRate: 0.1, momentum: 0.9, nesterov: true }),
  adam: resolveOptimizer({ type: 'adam', learningRate: 0.01 }),
  rmsprop: resolveOptimizer({ type: 'rmsprop', learningRate: 0.01, momentum: 0.5 }),
}

function specOf(parts: {
  hidden?: ActivationName
  output?: ActivationName
  loss?: LossName
  units?: number
  optimizer?: OptimizerSpec
}): ProgramSpec {
  const { hidden = 'tanh', output = 'softmax', units = CLASSES } = parts
  const kernelInitializer = 'glorotUniform' as const
  return {
    inputUnits: UNITS,
    preprocessing: { scale: 1 / 255 },
    network: {
      layers: [
        { type: 'dense', units: 6, activation: hidden, kernelInitializer },
        { type: 'dense', units, activation: output, kernelInitializer },
      ],
    },
    loss: parts.loss ?? 'categoricalCrossentropy',
    optimizer: parts.optimizer ?? resolveOptimizer({ type: 'sgd', learningRate: 0.1 }),
  }
}

function drawExamples(count: number, classes: number): Examples {
  const random = createRandom(1, 'examples')
  return {
    features: Uint8Array.from({ length: count * UNITS }, () => random.integer(256)),
    labels: Int32Array.from({ length: count }, () => random.integer(classes)),
  }
}

function firstIndices(count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, index) => index)
}

/** The training that the engine should do, in float64. */
function trainExactly(program: Program, { features, labels }: Examples) {
  const interpreter = createInterpreter(program.valueCount, Float64Array)
  const state = initialState(program, SEED)
  const { inputs, training, variables, scalars, update } = program
  for (const { name, value } of variables) interpreter.set(value, Float64Array.from(state.get(name) ?? []))
  interpreter.set(inputs.exampleCount, Float64Array.of(BATCH))
  const losses: number[] = []
  for (let step = 1; step <= STEPS; step++) {
    const from = (step - 1) * BATCH
    interpreter.set(inputs.features, Float64Array.from(features.subarray(from * UNITS, (from + BATCH) * UNITS)))
    interpreter.set(inputs.labels, Float64Array.from(labels.subarray(from, from + BATCH)))
    for (const scalar of scalars) interpreter.set(scalar.value, Float64Array.of(scalar.at(step)))
    interpreter.run(training.operations, BATCH)
    losses.push(...interpreter.get(training.losses))
    interpreter.run(update, BATCH)
  }
  return { losses, state: new Map(variables.map(({ name, value }) => [name, interpreter.get(value)])) }
}

/** Every difference is at most a ten-thousandth of the largest number. */
function expectClose(what: string, actual: ArrayLike<number>, exact: ArrayLike<number>) {
  expect(actual).toHaveLength(exact.length)
  const scale = Math.max(...Array.from(exact, Math.abs))
  for (let index = 0; index < exact.length; index++) {
    const [a, b] = [actual[index] ?? Number.NaN, exact[index] ?? Number.NaN]
    expect(Math.abs(a - b), `${what}[${index}]: ${a} against ${b}`).toBeLessThanOrEqual(1e-4 * scale)
  }
}

function expectParity(spec: ProgramSpec) {
  const program = buildProgram(spec)
  const examples = drawExamples(STEPS * BATCH, Math.max(2, program.outputUnits))
  const session = engine.open(program, SEED)
  session.load('train', examples)
  const indices = firstIndices(STEPS * BATCH)
  const { losses } = session.train({ split: 'train', indices, batchSize: BATCH, firstStep: 1 })
  const exact = trainExactly(program, examples)
  expectClose('loss', losses, exact.losses)
  const state = session.exportState()
  session.close()
  const before = initialState(program, SEED)
  for (const [name, array] of exact.state) {
    expectClose(name, state.get(name) ?? [], array)
    expect(Array.from(array), `${name} is trained`).not.toEqual(Array.from(before.get(name) ?? []))
  }
}

describe('the portable engine computes what the interpreter does in float64, for 20 steps', () => {
  it.each(Object.keys(ACTIVATIONS) as ActivationName[])('with the hidden activation %s', hidden => {
    expectParity(specOf({ hidden }))
  })

  it.each(Object.keys(ACTIVATIONS) as ActivationName[])('with the output activation %s', output => {
    expectParity(specOf({ output, loss: 'meanSquaredError' }))
  })

  it.each(Object.keys(LOSSES) as LossName[])('with the loss %s', loss => {
    expectParity(specOf({ loss, output: LOSSES[loss].onLogits ?? 'linear' }))
  })

  it('with one sigmoid unit over two classes', () => {
    expectParity(specOf({ units: 1, output: 'sigmoid', loss: 'binaryCrossentropy' }))
  })

  it.each(Object.keys(OPTIMIZERS))('with the optimizer %s', name => {
    expectParity(specOf({ optimizer: OPTIMIZERS[name] ?? resolveOptimizer({ type: 'adam' }) }))
  })
})

/** A session on thirty examples of three classes. */
function openSession(seed = SEED) {
  const session = engine.open(buildProgram(specOf({ optimizer: resolveOptimizer({ type: 'adam' }) })), seed)
  session.load('train', drawExamples(30, CLASSES))
  return {
    ...session,
    trainOn: (indices: Int32Array, firstStep: number) =>
      session.train({ split: 'train', indices, batchSize: BATCH, firstStep }),
  }
}

function bytesOf(state: TrainingState): Record<string, string> {
  return Object.fromEntries([...state].map(([name, array]) => [name, Buffer.from(array.buffer).toString('hex')]))
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
    const { network, ...spec } = specOf({ optimizer: resolveOptimizer({ type: 'adam', learningRate: 0.02 }) })
    const [hidden, output] = network.layers
    if (!hidden || !output) throw new Error('the network has two layers')
    const program = buildProgram({ ...spec, network: { layers: [{ ...hidden, units: 32 }, output] } })
    const session = engine.open(program, SEED)
    session.load('train', drawExamples(10, CLASSES))
    for (let step = 1; step <= 1_500; step++) {
      session.train({ split: 'train', indices: firstIndices(10), batchSize: 10, firstStep: step })
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

  it.each(['relu', 'sigmoid', 'tanh', 'softmax'] as const)('does not hide lost weights behind %s', hidden => {
    const session = engine.open(buildProgram(specOf({ hidden })), SEED)
    session.load('train', drawExamples(BATCH, CLASSES))
    const state = session.exportState()
    state.get('dense_1/kernel')?.fill(Number.NaN)
    session.importState(state)
    const { losses } = session.evaluate('train', firstIndices(BATCH))
    expect(Array.from(losses)).toEqual(new Array(BATCH).fill(Number.NaN))
  })
})
