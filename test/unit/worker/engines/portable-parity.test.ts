import { describe, expect, it } from 'vitest'
import { ACTIVATIONS, type ActivationName } from '../../../../src/mlp/activations/registry.ts'
import { createInterpreter } from '../../../../src/mlp/interpreter.ts'
import { LOSSES, type LossName } from '../../../../src/mlp/losses/registry.ts'
import { type OptimizerSpec, resolveOptimizer } from '../../../../src/mlp/optimizers/registry.ts'
import { buildProgram, type Program, type ProgramSpec } from '../../../../src/mlp/program.ts'
import type { Examples } from '../../../../worker/engines/engine.ts'
import { initialState } from '../../../../worker/engines/initial-state.ts'
import { createPortableEngine } from '../../../../worker/engines/portable/engine.ts'
import { drawExamples, firstIndices, SEED, specOf, UNITS } from '../../../helpers/small-network.ts'

const BATCH = 8
const STEPS = 20

const engine = await createPortableEngine()

const OPTIMIZERS: Record<string, OptimizerSpec> = {
  sgd: resolveOptimizer({ type: 'sgd', learningRate: 0.1 }),
  momentum: resolveOptimizer({ type: 'sgd', learningRate: 0.1, momentum: 0.9 }),
  nesterov: resolveOptimizer({ type: 'sgd', learningRate: 0.1, momentum: 0.9, nesterov: true }),
  adam: resolveOptimizer({ type: 'adam', learningRate: 0.01 }),
  rmsprop: resolveOptimizer({ type: 'rmsprop', learningRate: 0.01, momentum: 0.5 }),
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
    interpreter.set(
      inputs.features,
      Float64Array.from(features.subarray(from * UNITS, (from + BATCH) * UNITS)),
    )
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
