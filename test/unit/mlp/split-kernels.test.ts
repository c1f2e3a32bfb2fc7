import { describe, expect, it } from 'vitest'
import { createInterpreter } from '../../../src/mlp/interpreter.ts'
import { resolveLoss } from '../../../src/mlp/losses/registry.ts'
import { resolveNetwork } from '../../../src/mlp/network.ts'
import { resolveOptimizer } from '../../../src/mlp/optimizers/registry.ts'
import { buildProgram, type Program } from '../../../src/mlp/program.ts'
import { createRandom } from '../../../src/mlp/random.ts'
import { splitKernels } from '../../../src/mlp/split-kernels.ts'
import { initialState } from '../../../worker/engines/initial-state.ts'
import type { LayerRequests } from '../../helpers/small-network.ts'

type OptimizerRequest = Parameters<typeof resolveOptimizer>[0]

const SEED = 7
const BATCH = 3
const STEPS = 3
const INPUTS = 150

/** The first two kernels are large enough: 150 × 250 and 250 × 140; the last is not. */
function programOf(optimizer: OptimizerRequest, first: object = {}): Program {
  const layers: LayerRequests = [
    { type: 'dense', units: 250, activation: 'relu', ...first },
    { type: 'dense', units: 140, activation: 'tanh' },
    { type: 'dense', units: 5, activation: 'softmax' },
  ]
  return buildProgram({
    inputUnits: INPUTS,
    task: 'classification',
    inputScaling: { scale: 1 / 255, offset: 0 },
    network: resolveNetwork({ layers }),
    loss: resolveLoss('categoricalCrossentropy'),
    optimizer: resolveOptimizer(optimizer),
    classWeights: null,
  })
}

const draw = (length: number, below: number, name: string) => {
  const random = createRandom(SEED, name)
  return Float64Array.from({ length }, () => random.integer(below))
}

/** Trains in double precision. */
function train(program: Program, state: ReadonlyMap<string, Float32Array>) {
  const interpreter = createInterpreter(program.valueCount, Float64Array, SEED)
  const { inputs, variables, scalars, training, update, inference, evaluation } = program
  for (const { name, value } of variables) interpreter.set(value, Float64Array.from(state.get(name) ?? []))
  interpreter.set(inputs.exampleCount, Float64Array.of(BATCH))
  interpreter.set(inputs.learningRate, Float64Array.of(0.01))
  const losses: number[] = []
  for (let step = 1; step <= STEPS; step++) {
    interpreter.set(inputs.step, Float64Array.of(step))
    interpreter.set(inputs.features, draw(BATCH * INPUTS, 256, `features ${step}`))
    interpreter.set(inputs.labels, draw(BATCH, 5, `labels ${step}`))
    for (const scalar of scalars) interpreter.set(scalar.value, Float64Array.of(scalar.at(step)))
    interpreter.run(training.operations, BATCH)
    losses.push(...interpreter.get(training.losses))
    interpreter.run(update, BATCH)
  }
  interpreter.run([...inference.operations, ...evaluation.operations], BATCH)
  losses.push(...interpreter.get(evaluation.losses))
  const trained = variables.map(
    ({ name, value }) => [name, Float32Array.from(interpreter.get(value))] as const,
  )
  return { losses, state: new Map(trained) }
}

const isSplit = (program: Program) =>
  program.variables.filter(({ name }) => /columns_\d+$/.test(name)).map(({ name }) => name)

describe.each([2, 3, 4])('a program whose large kernels are in %i groups of columns', groups => {
  it.each<OptimizerRequest>([
    { type: 'sgd' },
    { type: 'sgd', momentum: 0.9, nesterov: true },
    { type: 'adam' },
    { type: 'rmsprop', momentum: 0.5 },
  ])('trains as the whole one does: $type', optimizer => {
    const program = programOf(optimizer)
    const split = splitKernels(program, groups)
    const state = initialState(program, SEED)
    const whole = train(program, state)
    const parts = train(split.program, split.split(state))
    expect(isSplit(split.program).length).toBeGreaterThanOrEqual(2 * groups)
    for (const [index, loss] of whole.losses.entries()) expect(parts.losses[index]).toBeCloseTo(loss, 12)
    const joined = split.join(parts.state)
    expect([...joined.keys()]).toEqual([...whole.state.keys()])
    for (const [name, array] of whole.state) {
      const largest = Math.max(...array.map(Math.abs))
      const apart = Math.max(
        ...array.map((number, index) => Math.abs(number - (joined.get(name)?.[index] ?? NaN))),
      )
      expect(apart, name).toBeLessThanOrEqual(1e-6 * largest)
    }
  })

  it('begins with the same weights', () => {
    const program = programOf({ type: 'adam' })
    const { program: split, join } = splitKernels(program, groups)
    expect(join(initialState(program, SEED)).size).toBe(program.variables.length)
    const own = new Map(split.variables.map(({ name, shape }) => [name, shape]))
    const columns = Array.from(
      { length: groups },
      (_, group) => own.get(`dense_1/kernel/columns_${group}`)?.[1] ?? 0,
    )
    expect(columns.reduce((sum, width) => sum + width, 0)).toBe(250)
    expect(Math.max(...columns) - Math.min(...columns)).toBeLessThanOrEqual(1)
  })
})

describe('whole stays', () => {
  const second = ['kernel', 'kernel/adam_m', 'kernel/adam_v'].flatMap(name =>
    [0, 1].map(group => `dense_2/${name}/columns_${group}`),
  )

  it('everything on one thread', () => {
    const program = programOf({ type: 'adam' })
    expect(isSplit(splitKernels(program, 1).program)).toEqual([])
  })

  it.each<[string, object]>([
    ['what has a penalty', { kernelRegularizer: { l2: 0.01 } }],
    ['what is frozen', { trainable: false }],
  ])('%s', (_, first) => {
    const { program } = splitKernels(programOf({ type: 'adam' }, first), 2)
    expect(isSplit(program)).toEqual(expect.arrayContaining(second))
    expect(isSplit(program).filter(name => name.startsWith('dense_1/'))).toEqual([])
  })

  it.each<OptimizerRequest>([
    { type: 'adam', clipNorm: 1 },
    { type: 'adam', globalClipNorm: 1 },
    { type: 'adam', clipValue: 1 },
    { type: 'sgd', weightDecay: 0.1 },
    { type: 'lion' },
  ])('what an optimizer changes otherwise: %o', optimizer => {
    expect(isSplit(splitKernels(programOf(optimizer), 2).program)).toEqual([])
  })
})
