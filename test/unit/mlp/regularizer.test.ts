import { expect, it } from 'vitest'
import { createInterpreter } from '../../../src/mlp/interpreter.ts'
import { resolveLoss } from '../../../src/mlp/losses/registry.ts'
import { resolveNetwork } from '../../../src/mlp/network.ts'
import { resolveOptimizer } from '../../../src/mlp/optimizers/registry.ts'
import { buildProgram } from '../../../src/mlp/program.ts'

type Layer = Parameters<typeof resolveNetwork>[0]['layers'][number]

/** A linear unit with the kernel (2, −3) and the bias 0.5 on two examples that it gets right. */
function run(regularizers: Partial<Extract<Layer, { type: 'dense' }>>) {
  const program = buildProgram({
    inputUnits: 2,
    task: 'classification',
    inputScaling: { scale: 1, offset: 0 },
    network: resolveNetwork({ layers: [{ type: 'dense', units: 1, ...regularizers }] }),
    loss: resolveLoss('meanSquaredError'),
    optimizer: resolveOptimizer({ type: 'sgd' }),
    classWeights: null,
  })
  const { inputs, training, inference, evaluation } = program
  const interpreter = createInterpreter(program.valueCount, Float64Array)
  interpreter.set(inputs.features, Float64Array.of(1, 0.5, 0.25, 1 / 3))
  interpreter.set(inputs.labels, Float64Array.of(1, 0))
  interpreter.set(inputs.exampleCount, Float64Array.of(2))
  interpreter.set(inputs.step, Float64Array.of(1))
  for (const { name, value } of program.variables) {
    interpreter.set(value, name.endsWith('kernel') ? Float64Array.of(2, -3) : Float64Array.of(0.5))
  }
  interpreter.run(training.operations, 2)
  const losses = Array.from(interpreter.get(training.losses))
  const gradients = Object.fromEntries(
    training.gradients.map(({ variable, gradient }) => [
      variable.name,
      Array.from(interpreter.get(gradient)),
    ]),
  )
  interpreter.run([...inference.operations, ...evaluation.operations], 2)
  return { losses, gradients, evaluated: Array.from(interpreter.get(evaluation.losses)) }
}

it('the penalty is added to every loss, in training and evaluation, and its slope to the gradient once', () => {
  const { losses, gradients, evaluated } = run({
    kernelRegularizer: { l1: 0.1, l2: 0.01 },
    biasRegularizer: { l2: 0.2 },
  })
  // 0.1 (2 + 3) + 0.01 (4 + 9) + 0.2 · 0.25
  const penalty = 0.5 + 0.13 + 0.05
  for (const loss of [...losses, ...evaluated]) expect(loss).toBeCloseTo(penalty, 14)
  // 0.1 sign w + 2 · 0.01 w, and 2 · 0.2 · 0.5
  expect(gradients['dense_1/kernel']?.map(number => Number(number.toFixed(12)))).toEqual([0.14, -0.16])
  expect(gradients['dense_1/bias']?.map(number => Number(number.toFixed(12)))).toEqual([0.2])
})

it('without a regularizer there is no penalty', () => {
  const { losses, evaluated } = run({})
  for (const loss of [...losses, ...evaluated]) expect(loss).toBeCloseTo(0, 14)
})
