import { it as base, describe, expect } from 'vitest'
import { readConfig } from '../../../../src/config.ts'
import { ACTIVATIONS, type ActivationName } from '../../../../src/mlp/activations/registry.ts'
import { createInterpreter } from '../../../../src/mlp/interpreter.ts'
import { LOSSES, type LossName, resolveLoss } from '../../../../src/mlp/losses/registry.ts'
import { placeLayers } from '../../../../src/mlp/network.ts'
import { type OptimizerSpec, resolveOptimizer } from '../../../../src/mlp/optimizers/registry.ts'
import { buildProgram, type Program, type ProgramSpec } from '../../../../src/mlp/program.ts'
import type { Engine, Examples } from '../../../../worker/engines/engine.ts'
import { initialState } from '../../../../worker/engines/initial-state.ts'
import { createPortableEngine } from '../../../../worker/engines/portable/engine.ts'
import { loadBinding } from '../../../../worker/engines/tensorflow/binding.ts'
import { createTensorflowEngine } from '../../../../worker/engines/tensorflow/engine.ts'
import { findAddon } from '../../../../worker/engines/tensorflow/locate.ts'
import {
  CLASSES,
  drawExamples,
  firstIndices,
  type LayerRequests,
  SEED,
  specOf,
  UNITS,
} from '../../../helpers/small-network.ts'

const BATCH = 8
const STEPS = 20

/** Where setup:tensorflow put the native engine; without it its tests are skipped. */
const addon = findAddon(readConfig({}).tensorflowDir)
const ENGINES: { name: string; engine: Engine | null }[] = [
  { name: 'portable', engine: await createPortableEngine() },
  { name: 'tensorflow', engine: addon ? createTensorflowEngine(addon, 2) : null },
]

const OPTIMIZERS: Record<string, OptimizerSpec> = {
  sgd: resolveOptimizer({ type: 'sgd', learningRate: 0.1 }),
  momentum: resolveOptimizer({ type: 'sgd', learningRate: 0.1, momentum: 0.9 }),
  nesterov: resolveOptimizer({ type: 'sgd', learningRate: 0.1, momentum: 0.9, nesterov: true }),
  adam: resolveOptimizer({ type: 'adam', learningRate: 0.01 }),
  rmsprop: resolveOptimizer({ type: 'rmsprop', learningRate: 0.01, momentum: 0.5 }),
  adamW: resolveOptimizer({ type: 'adamW', learningRate: 0.01, weightDecay: 0.1 }),
  nadam: resolveOptimizer({ type: 'nadam', learningRate: 0.01 }),
  adagrad: resolveOptimizer({ type: 'adagrad', learningRate: 0.1 }),
  lion: resolveOptimizer({ type: 'lion', learningRate: 0.003 }),
  'sgd with weight decay': resolveOptimizer({ type: 'sgd', learningRate: 0.1, weightDecay: 0.1 }),
  'sgd with clipNorm': resolveOptimizer({ type: 'sgd', learningRate: 0.1, clipNorm: 0.05 }),
  'adam with clipValue': resolveOptimizer({ type: 'adam', learningRate: 0.01, clipValue: 0.01 }),
  'momentum with globalClipNorm': resolveOptimizer({
    type: 'sgd',
    learningRate: 0.1,
    momentum: 0.9,
    globalClipNorm: 0.1,
  }),
}

const dense = (units: number, activation: ActivationName) => ({ type: 'dense' as const, units, activation })

const LAYERS: Record<string, LayerRequests> = {
  'dense without bias': [{ ...dense(6, 'tanh'), useBias: false }],
  dropout: [dense(6, 'tanh'), { type: 'dropout', rate: 0.4 }],
  'dropout of units that are a multiple of four': [dense(8, 'tanh'), { type: 'dropout', rate: 0.4 }],
  batchNormalization: [
    { ...dense(6, 'linear'), useBias: false },
    { type: 'batchNormalization', momentum: 0.8 },
  ],
  layerNormalization: [dense(6, 'tanh'), { type: 'layerNormalization' }],
  activation: [dense(6, 'linear'), { type: 'activation', activation: 'gelu' }],
  'dense, frozen': [{ ...dense(6, 'tanh'), trainable: false }, dense(5, 'tanh')],
  'dense, frozen between others': [
    dense(6, 'tanh'),
    { ...dense(5, 'tanh'), trainable: false, kernelRegularizer: { l2: 1 } },
  ],
  'batchNormalization, frozen': [
    dense(6, 'linear'),
    { type: 'batchNormalization', momentum: 0.8, trainable: false },
    dense(5, 'tanh'),
    { type: 'layerNormalization', trainable: false },
  ],
  'L1 and L2': [{ ...dense(6, 'tanh'), kernelRegularizer: { l1: 0.01, l2: 0.02 } }],
}

/** The training that the engine should do, in float64. */
function trainExactly(
  program: Program,
  { features, labels }: Examples,
  { learningRate, batchSize }: { learningRate: number; batchSize: number },
) {
  const interpreter = createInterpreter(program.valueCount, Float64Array, SEED)
  const state = initialState(program, SEED)
  const { inputs, training, variables, scalars, update } = program
  for (const { name, value } of variables) interpreter.set(value, Float64Array.from(state.get(name) ?? []))
  interpreter.set(inputs.exampleCount, Float64Array.of(batchSize))
  const losses: number[] = []
  for (let step = 1; step <= STEPS; step++) {
    const from = (step - 1) * batchSize
    interpreter.set(
      inputs.features,
      Float64Array.from(features.subarray(from * UNITS, (from + batchSize) * UNITS)),
    )
    interpreter.set(inputs.labels, Float64Array.from(labels.subarray(from, from + batchSize)))
    interpreter.set(inputs.step, Float64Array.of(step))
    interpreter.set(inputs.learningRate, Float64Array.of(learningRate))
    for (const scalar of scalars) interpreter.set(scalar.value, Float64Array.of(scalar.at(step)))
    interpreter.run(training.operations, batchSize)
    losses.push(...interpreter.get(training.losses))
    interpreter.run(update, batchSize)
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

function expectParity(engine: Engine | null, spec: ProgramSpec, batchSize = BATCH) {
  const { learningRate } = spec.optimizer
  if (!engine) throw new Error('the engine is not set up')
  const program = buildProgram(spec)
  const examples = drawExamples(STEPS * batchSize, Math.max(2, program.outputUnits))
  const session = engine.open(program, SEED)
  session.load('train', examples)
  const indices = firstIndices(STEPS * batchSize)
  const { losses } = session.train({
    split: 'train',
    indices,
    batchSize,
    firstStep: 1,
    learningRateAt: () => learningRate,
  })
  const exact = trainExactly(program, examples, { learningRate, batchSize })
  expectClose('loss', losses, exact.losses)
  const state = session.exportState()
  session.close()
  const before = initialState(program, SEED)
  const frozen = placeLayers(spec.network, UNITS)
    .filter(({ layer }) => 'trainable' in layer)
    .map(({ name }) => name)
  for (const [name, array] of exact.state) {
    expectClose(name, state.get(name) ?? [], array)
    const isFrozen = frozen.some(layer => name.startsWith(`${layer}/`))
    if (isFrozen) expect(state.get(name), `${name} is frozen`).toEqual(before.get(name))
    else expect(Array.from(array), `${name} is trained`).not.toEqual(Array.from(before.get(name) ?? []))
  }
}

describe.each(ENGINES)(
  'the $name engine computes what the interpreter does in float64, for 20 steps',
  ({ engine }) => {
    const it = base.skipIf(engine === null)

    it.each(Object.keys(ACTIVATIONS) as ActivationName[])('with the hidden activation %s', hidden => {
      expectParity(engine, specOf({ hidden }))
    })

    it.each(Object.keys(ACTIVATIONS) as ActivationName[])('with the output activation %s', output => {
      expectParity(engine, specOf({ output, loss: resolveLoss('meanSquaredError') }))
    })

    it.each(Object.keys(LOSSES) as LossName[])('with the loss %s', loss => {
      expectParity(engine, specOf({ loss: resolveLoss(loss), output: LOSSES[loss].onLogits ?? 'linear' }))
    })

    it('with one sigmoid unit over two classes', () => {
      expectParity(engine, specOf({ units: 1, output: 'sigmoid', loss: resolveLoss('binaryCrossentropy') }))
    })

    it.each([
      { type: 'categoricalCrossentropy', labelSmoothing: 0.2 },
      { type: 'binaryCrossentropy', labelSmoothing: 0.2 },
      { type: 'binaryFocalCrossentropy', applyClassBalancing: true },
    ] as const)('with the loss $type with options', request => {
      const loss = resolveLoss(request)
      expectParity(engine, specOf({ loss, output: LOSSES[loss.type].onLogits ?? 'linear' }))
    })

    it.each(Object.keys(LAYERS))('with the layer %s', name => {
      expectParity(engine, specOf({ layers: [...(LAYERS[name] ?? []), dense(CLASSES, 'softmax')] }))
    })

    it('with examples enough for two threads', () => {
      const layers: LayerRequests = [
        { ...dense(7, 'relu'), kernelRegularizer: { l2: 0.01 } },
        { type: 'dropout', rate: 0.3 },
        { ...dense(6, 'linear'), useBias: false },
        { type: 'batchNormalization' },
        dense(CLASSES, 'softmax'),
      ]
      expectParity(engine, specOf({ layers }), 65)
    })

    it.each(['sgd', 'momentum', 'adam', 'rmsprop', 'lion'])(
      'with a kernel that threads share, and the optimizer %s',
      name => {
        const layers: LayerRequests = [dense(300, 'tanh'), dense(125, 'tanh'), dense(CLASSES, 'softmax')]
        expectParity(
          engine,
          specOf({ layers, optimizer: OPTIMIZERS[name] ?? resolveOptimizer({ type: 'adam' }) }),
          64,
        )
      },
    )

    it('with weighted classes', () => {
      expectParity(engine, specOf({ classWeights: [0.5, 1, 2] }))
    })

    it.each(Object.keys(OPTIMIZERS))('with the optimizer %s', name => {
      expectParity(engine, specOf({ optimizer: OPTIMIZERS[name] ?? resolveOptimizer({ type: 'adam' }) }))
    })
  },
)

describe.skipIf(addon === null)('the tensorflow engine', () => {
  base('gives the same weights each time, also when a batch is cut up for two threads', () => {
    const train = () => {
      const program = buildProgram(specOf({}))
      const session = createTensorflowEngine(addon ?? '', 2).open(program, SEED)
      session.load('train', drawExamples(64 * 20, program.outputUnits))
      session.train({
        split: 'train',
        indices: firstIndices(64 * 20),
        batchSize: 64,
        firstStep: 1,
        learningRateAt: () => 0.1,
      })
      const state = session.exportState()
      session.close()
      return state
    }
    expect(train()).toEqual(train())
  })

  base('goes on from an exported state as if it had not stopped, and leaves no tensor behind', () => {
    const program = buildProgram(specOf({}))
    const engine = createTensorflowEngine(addon ?? '', 2)
    const examples = drawExamples(20 * BATCH, program.outputUnits)
    const open = () => {
      const session = engine.open(program, SEED)
      session.load('train', examples)
      return session
    }
    const steps = (from: number, to: number) => ({
      split: 'train',
      indices: firstIndices(to * BATCH).subarray(from * BATCH),
      batchSize: BATCH,
      firstStep: from + 1,
      learningRateAt: () => 0.1,
    })
    const whole = open()
    whole.train(steps(0, 20))
    const [first, second] = [open(), open()]
    first.train(steps(0, 7))
    second.importState(first.exportState())
    second.train(steps(7, 20))
    expect(second.exportState()).toEqual(whole.exportState())
    const before = loadBinding(addon ?? '').getNumOfTensors()
    whole.evaluate('train', firstIndices(10))
    expect(loadBinding(addon ?? '').getNumOfTensors()).toBe(before)
    for (const session of [whole, first, second]) session.close()
  })
})
