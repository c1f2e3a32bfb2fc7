import { describe, expect, it } from 'vitest'
import { ACTIVATIONS, type ActivationName } from '../../../src/mlp/activations/registry.ts'
import { createInterpreter } from '../../../src/mlp/interpreter.ts'
import { LOSSES, type LossName, type LossSpec, resolveLoss } from '../../../src/mlp/losses/registry.ts'
import { resolveNetwork } from '../../../src/mlp/network.ts'
import { resolveOptimizer } from '../../../src/mlp/optimizers/registry.ts'
import { buildProgram, type ProgramSpec } from '../../../src/mlp/program.ts'
import { createRandom } from '../../../src/mlp/random.ts'
import type { LayerRequests } from '../../helpers/small-network.ts'

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
  for (const { role, value, initialize } of program.variables) {
    if (role === 'statistic') interpreter.set(value, Float64Array.from(initialize(random)))
  }
  interpreter.set(program.inputs.step, Float64Array.of(3))
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

function specOf(layers: LayerRequests, loss: LossSpec, classWeights: number[] | null = null): ProgramSpec {
  return {
    inputUnits: 4,
    task: 'classification',
    inputScaling: { scale: 0.5, offset: 0 },
    network: resolveNetwork({ layers }),
    loss,
    optimizer: resolveOptimizer({ type: 'sgd' }),
    classWeights,
  }
}

const dense = (units: number, activation: ActivationName) => ({ type: 'dense' as const, units, activation })

const threeLayers = (hidden: ActivationName, output: ActivationName, units = CLASSES): LayerRequests => [
  dense(6, hidden),
  dense(5, hidden),
  dense(units, output),
]

const crossentropy = resolveLoss('categoricalCrossentropy')

const LAYERS: Record<string, LayerRequests> = {
  'dense without bias': [{ ...dense(6, 'tanh'), useBias: false }],
  dropout: [dense(6, 'tanh'), { type: 'dropout', rate: 0.4 }],
  'dropout of the input': [{ type: 'dropout', rate: 0.3 }, dense(6, 'tanh')],
  batchNormalization: [
    dense(6, 'linear'),
    { type: 'batchNormalization' },
    { type: 'activation', activation: 'tanh' },
  ],
  'batchNormalization of the input': [{ type: 'batchNormalization', center: false }, dense(6, 'tanh')],
  layerNormalization: [dense(6, 'tanh'), { type: 'layerNormalization' }],
  'layerNormalization without scale': [dense(6, 'tanh'), { type: 'layerNormalization', scale: false }],
  'L1 and L2': [
    { ...dense(6, 'tanh'), kernelRegularizer: { l1: 0.01, l2: 0.02 }, biasRegularizer: { l2: 0.03 } },
  ],
}

describe('gradients agree with finite differences', () => {
  it.each(Object.keys(ACTIVATIONS) as ActivationName[])('for the hidden activation %s', hidden => {
    expectAgreement(specOf(threeLayers(hidden, 'softmax'), crossentropy))
  })

  it.each(Object.keys(ACTIVATIONS) as ActivationName[])('for the output activation %s', output => {
    expectAgreement(specOf(threeLayers('tanh', output), resolveLoss('meanSquaredError')))
  })

  it.each(Object.keys(LOSSES) as LossName[])('for the loss %s', loss => {
    expectAgreement(specOf(threeLayers('sigmoid', LOSSES[loss].onLogits ?? 'linear'), resolveLoss(loss)))
  })

  it.each([
    { type: 'categoricalCrossentropy', labelSmoothing: 0.2 },
    { type: 'binaryCrossentropy', labelSmoothing: 0.2 },
    { type: 'binaryFocalCrossentropy', applyClassBalancing: true, gamma: 1.5 },
    { type: 'categoricalFocalCrossentropy', alpha: 0.6, gamma: 1 },
    { type: 'huber', delta: 0.3 },
  ] as const)('for the loss $type with options', request => {
    const loss = resolveLoss(request)
    expectAgreement(specOf(threeLayers('sigmoid', LOSSES[loss.type].onLogits ?? 'linear'), loss))
  })

  it('for one sigmoid unit over two classes', () => {
    for (const loss of ['binaryCrossentropy', 'binaryFocalCrossentropy'] as const) {
      expectAgreement(specOf(threeLayers('relu', 'sigmoid', 1), resolveLoss(loss)))
    }
  })

  it.each(Object.keys(LAYERS))('for the layer %s', name => {
    const layers = [...(LAYERS[name] ?? []), dense(CLASSES, 'softmax')]
    expectAgreement(specOf(layers, crossentropy))
  })

  it('for weighted classes', () => {
    expectAgreement(specOf(threeLayers('tanh', 'softmax'), crossentropy, [0.2, 1, 3]))
  })
})
