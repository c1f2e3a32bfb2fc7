import { describe, expect, it } from 'vitest'
import { ACTIVATIONS, type ActivationName } from '../../../src/mlp/activations/registry.ts'
import { createInterpreter } from '../../../src/mlp/interpreter.ts'
import { LOSSES, type LossName } from '../../../src/mlp/losses/registry.ts'
import { buildProgram, type ProgramSpec } from '../../../src/mlp/program.ts'
import { createRandom } from '../../../src/mlp/random.ts'

const BATCH = 5
const CLASSES = 3

/** Runs forward and backward in float64 and gives the mean loss and each gradient beside its finite difference. */
function compareGradients(spec: ProgramSpec) {
  const program = buildProgram(spec)
  const random = createRandom(7, 'gradients')
  const interpreter = createInterpreter(program.valueCount, Float64Array)
  const weights = program.variables
    .filter(variable => variable.role === 'weight')
    .map(variable => ({
      variable,
      data: Float64Array.from(variable.initialize(random), x => x + random.normal() / 10),
    }))
  for (const { variable, data } of weights) interpreter.set(variable.value, data)
  interpreter.set(
    program.inputs.features,
    Float64Array.from({ length: BATCH * spec.inputUnits }, () => random.normal()),
  )
  const classes = program.outputUnits === 1 ? 2 : program.outputUnits
  interpreter.set(
    program.inputs.labels,
    Float64Array.from({ length: BATCH }, () => random.integer(classes)),
  )
  interpreter.set(program.inputs.exampleCount, Float64Array.of(BATCH))
  const meanLoss = () => {
    interpreter.run(program.training.operations, BATCH)
    return Array.from(interpreter.get(program.training.losses)).reduce((sum, loss) => sum + loss, 0) / BATCH
  }
  meanLoss()
  const analytic = new Map(
    program.training.gradients.map(({ variable, gradient }) => [
      variable.name,
      interpreter.get(gradient).slice(),
    ]),
  )
  const step = 1e-5
  return weights.flatMap(({ variable, data }) =>
    Array.from(data, (kept, index) => {
      data[index] = kept + step
      const above = meanLoss()
      data[index] = kept - step
      const below = meanLoss()
      data[index] = kept
      return {
        name: `${variable.name}[${index}]`,
        analytic: analytic.get(variable.name)?.[index] ?? Number.NaN,
        numeric: (above - below) / (2 * step),
      }
    }),
  )
}

function expectAgreement(spec: ProgramSpec) {
  const pairs = compareGradients(spec)
  expect(pairs.length).toBeGreaterThan(20)
  expect(pairs.some(({ numeric }) => Math.abs(numeric) > 1e-3)).toBe(true)
  for (const { name, analytic, numeric } of pairs) {
    expect(Math.abs(analytic - numeric), `${name}: ${analytic} against ${numeric}`).toBeLessThan(
      1e-6 * Math.max(1, Math.abs(numeric)),
    )
  }
}

function specOf(
  hidden: ActivationName,
  output: ActivationName,
  loss: LossName,
  units = CLASSES,
): ProgramSpec {
  const kernelInitializer = 'glorotNormal' as const
  return {
    inputUnits: 4,
    preprocessing: { scale: 0.5 },
    network: {
      layers: [
        { type: 'dense', units: 6, activation: hidden, kernelInitializer },
        { type: 'dense', units: 5, activation: hidden, kernelInitializer },
        { type: 'dense', units, activation: output, kernelInitializer },
      ],
    },
    loss,
    optimizer: { type: 'sgd', learningRate: 0.1, momentum: 0, nesterov: false },
  }
}

describe('gradients agree with finite differences', () => {
  it.each(Object.keys(ACTIVATIONS) as ActivationName[])('for the hidden activation %s', hidden => {
    expectAgreement(specOf(hidden, 'softmax', 'categoricalCrossentropy'))
  })

  it.each(Object.keys(ACTIVATIONS) as ActivationName[])('for the output activation %s', output => {
    expectAgreement(specOf('tanh', output, 'meanSquaredError'))
  })

  it.each(Object.keys(LOSSES) as LossName[])('for the loss %s', loss => {
    expectAgreement(specOf('sigmoid', LOSSES[loss].onLogits ?? 'linear', loss))
  })

  it('for one sigmoid unit over two classes', () => {
    expectAgreement(specOf('relu', 'sigmoid', 'binaryCrossentropy', 1))
  })
})
