import { it as base, describe, expect, it } from 'vitest'
import { readConfig } from '../../../../src/config.ts'
import { ACTIVATIONS } from '../../../../src/mlp/activations/registry.ts'
import { LAYERS } from '../../../../src/mlp/layers/registry.ts'
import { LOSSES } from '../../../../src/mlp/losses/registry.ts'
import { OPTIMIZERS } from '../../../../src/mlp/optimizers/registry.ts'
import { buildProgram } from '../../../../src/mlp/program.ts'
import { learningRateAt } from '../../../../src/mlp/schedules/learning-rate-at.ts'
import type { Schedule } from '../../../../src/mlp/schedules/schedule.ts'
import type { Engine } from '../../../../worker/engines/engine.ts'
import { createPortableEngine } from '../../../../worker/engines/portable/engine.ts'
import { createTensorflowEngine } from '../../../../worker/engines/tensorflow/engine.ts'
import { findAddon } from '../../../../worker/engines/tensorflow/locate.ts'
import {
  type ReferenceCase,
  type ReferenceResult,
  readReference,
  referenceExamples,
  referenceState,
  resolveCase,
} from '../../../helpers/reference.ts'

const { suite, reference } = await readReference()

/** Where setup:tensorflow put the native engine; without it its tests are skipped. */
const addon = findAddon(readConfig({}).tensorflowDir)
const ENGINES: { name: string; engine: Engine | null }[] = [
  { name: 'portable', engine: await createPortableEngine() },
  { name: 'tensorflow', engine: addon ? createTensorflowEngine(addon, 2) : null },
]

/** The compiler sees to it that none is left out. */
const SCHEDULES = {
  constant: true,
  step: true,
  exponential: true,
  cosine: true,
  oneCycle: true,
} satisfies Record<Schedule['type'], true>

/** Trains a case, and gives what Keras's results are compared with. */
function train(engine: Engine | null, request: ReferenceCase): ReferenceResult {
  if (!engine) throw new Error('the engine is not set up')
  const { classes, schedule, ...spec } = resolveCase(suite, request)
  const { batchSize, lastBatchSize, steps, examples, seed } = suite
  const program = buildProgram(spec)
  const session = engine.open(program, seed)
  try {
    session.importState(referenceState(program, session.exportState()))
    session.load('train', referenceExamples(suite, classes))
    const used = (steps - 1) * batchSize + lastBatchSize
    const { losses } = session.train({
      split: 'train',
      indices: Int32Array.from({ length: used }, (_, index) => index % examples),
      batchSize,
      firstStep: 1,
      learningRateAt: step => learningRateAt(schedule, spec.optimizer.learningRate, step, steps),
    })
    const all = Int32Array.from({ length: examples }, (_, index) => index)
    const state = session.exportState()
    const trained = program.variables.filter(({ role }) => role !== 'slot')
    return {
      losses: Array.from({ length: steps }, (_, step) =>
        meanOf(losses.subarray(step * batchSize, (step + 1) * batchSize)),
      ),
      evaluation: meanOf(session.evaluate('train', all).losses),
      weights: Object.fromEntries(trained.map(({ name }) => [name, [...(state.get(name) ?? [])]])),
    }
  } finally {
    session.close()
  }
}

function meanOf(numbers: Float32Array): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length
}

/** How far two numbers of a list are apart at most, as a part of the scale of each. */
function deviationOf(actual: number[], wanted: number[], scaleAt: (index: number) => number): number {
  expect(actual).toHaveLength(wanted.length)
  return Math.max(...actual.map((number, index) => Math.abs(number - (wanted[index] ?? 0)) / scaleAt(index)))
}

describe.each(ENGINES)('the $name engine trains as Keras 3 does, for 50 steps', ({ engine }) => {
  base.skipIf(engine === null).each(suite.cases)('$name', request => {
    const wanted = reference.cases[request.name]
    if (!wanted) throw new Error('there are no results of Keras: run test/reference/make_reference.py')
    const result = train(engine, request)
    const losses = deviationOf(result.losses, wanted.losses, step => wanted.losses[step] ?? 0)
    expect(losses, 'losses').toBeLessThanOrEqual(1e-4)
    expect(Math.abs(result.evaluation / wanted.evaluation - 1), 'evaluation').toBeLessThanOrEqual(1e-4)
    expect(Object.keys(result.weights).sort()).toEqual(Object.keys(wanted.weights).sort())
    for (const [name, weights] of Object.entries(wanted.weights)) {
      const largest = Math.max(...weights.map(Math.abs))
      const deviation = deviationOf(result.weights[name] ?? [], weights, () => largest)
      expect(deviation, name).toBeLessThanOrEqual(1e-3)
    }
  })
})

describe('the cases', () => {
  const trainings = suite.cases.map(request => ({ ...suite.base, ...request }))
  const layers = trainings.flatMap(training => training.layers)
  const typesOf = (requests: (string | { type: string })[]) =>
    new Set(requests.map(request => (typeof request === 'string' ? request : request.type)))

  it('have each layer, activation, loss, optimizer and schedule', () => {
    const activations = layers.flatMap(layer => ('activation' in layer ? [layer.activation] : []))
    expect([...typesOf(layers)].sort()).toEqual(Object.keys(LAYERS).sort())
    expect([...new Set(activations)].sort()).toEqual(Object.keys(ACTIVATIONS).sort())
    expect([...typesOf(trainings.map(({ loss }) => loss))].sort()).toEqual(Object.keys(LOSSES).sort())
    const schedules = typesOf(trainings.map(({ learningRateSchedule }) => learningRateSchedule))
    expect([...schedules].sort()).toEqual(Object.keys(SCHEDULES).sort())
  })

  it('have each optimizer with nothing but its defaults, and each way of clipping', () => {
    const optimizers = trainings.map(({ optimizer }) => optimizer)
    const plain = optimizers.filter(optimizer => Object.keys(optimizer).length === 1)
    expect([...typesOf(plain)].sort()).toEqual(Object.keys(OPTIMIZERS).sort())
    for (const limit of ['clipNorm', 'clipValue', 'globalClipNorm']) {
      expect(optimizers.filter(optimizer => limit in optimizer)).not.toEqual([])
    }
  })

  it('have names that tell them apart, and are those that Keras ran', () => {
    expect(Object.keys(reference.cases)).toEqual(suite.cases.map(({ name }) => name))
  })
})
