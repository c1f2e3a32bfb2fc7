import { describe, expect, it } from 'vitest'
import { ACTIVATIONS, type ActivationName } from '../../../src/mlp/activations/registry.ts'
import { createInterpreter } from '../../../src/mlp/interpreter.ts'
import { type Network, resolveNetwork } from '../../../src/mlp/network.ts'
import { buildInferenceProgram } from '../../../src/mlp/program.ts'
import { createRandom } from '../../../src/mlp/random.ts'
import { buildSaliencyProgram } from '../../../src/mlp/saliency.ts'
import type { LayerRequests } from '../../helpers/small-network.ts'

const UNITS = 4
const BATCH = 3
const SCALE = 0.5

/** The same weights for a network, whichever program asks: every variable off its first value. */
function weightsOf(network: Network) {
  const random = createRandom(5, 'saliency')
  const { variables } = buildInferenceProgram({
    inputUnits: UNITS,
    inputScaling: { scale: SCALE, offset: 0 },
    network,
  })
  return new Map(
    variables.map(({ name, initialize }) => [
      name,
      Float64Array.from(initialize(random), x => x + Math.abs(random.normal()) / 10),
    ]),
  )
}

/** Gradient × input beside the same by finite differences of the logit, which is read from the network without its end. */
function compare(layers: LayerRequests, end: ActivationName, labels: number[], units = 3) {
  const dense = (activation: ActivationName) =>
    resolveNetwork({ layers: [...layers, { type: 'dense', units, activation }] })
  const network = dense(end)
  const spec = { inputUnits: UNITS, inputScaling: { scale: SCALE, offset: 0 }, network }
  const weights = weightsOf(network)
  const random = createRandom(6, 'features')
  const features = Float64Array.from({ length: BATCH * UNITS }, () => random.normal())

  const explaining = buildSaliencyProgram(spec)
  const interpreter = createInterpreter(explaining.valueCount, Float64Array)
  for (const { name, value } of explaining.variables)
    interpreter.set(value, weights.get(name) ?? new Float64Array())
  interpreter.set(explaining.features, features)
  interpreter.set(explaining.labels, Float64Array.from(labels))
  interpreter.run(explaining.operations, BATCH)
  const found = Array.from(interpreter.get(explaining.saliency))

  const plain = buildInferenceProgram({ ...spec, network: dense('linear') })
  const runner = createInterpreter(plain.valueCount, Float64Array)
  for (const { name, value } of plain.variables) runner.set(value, weights.get(name) ?? new Float64Array())
  const logitAt = (inputs: Float64Array, row: number) => {
    runner.set(plain.features, inputs)
    runner.run(plain.operations, BATCH)
    const label = labels[row] ?? 0
    const logits = runner.get(plain.predictions)
    return units === 1 ? (label === 1 ? 1 : -1) * (logits[row] ?? 0) : (logits[row * units + label] ?? 0)
  }
  const step = 1e-5
  const expected = Array.from(features, (kept, index) => {
    const row = Math.floor(index / UNITS)
    const moved = (by: number) =>
      logitAt(
        features.map((x, i) => (i === index ? x + by : x)),
        row,
      )
    return (kept * (moved(step) - moved(-step))) / (2 * step)
  })
  return { found, expected, operations: explaining.operations }
}

function expectAgreement({ found, expected }: { found: number[]; expected: number[] }) {
  expect(found).toHaveLength(BATCH * UNITS)
  expect(expected.some(value => Math.abs(value) > 1e-3)).toBe(true)
  for (const [index, value] of found.entries()) expect(value).toBeCloseTo(expected[index] ?? Number.NaN, 6)
}

const hidden = (activation: ActivationName): LayerRequests => [
  { type: 'dense', units: 6, activation },
  { type: 'dense', units: 5, activation },
]

describe('gradient × input agrees with finite differences', () => {
  it.each(Object.keys(ACTIVATIONS) as ActivationName[])('for the hidden activation %s', activation => {
    expectAgreement(compare(hidden(activation), 'softmax', [0, 2, 1]))
  })

  it.each([
    [
      'batch normalisation',
      [{ type: 'batchNormalization' }, { type: 'dense', units: 6, activation: 'tanh' }],
    ],
    ['batch normalisation without scale', [...hidden('tanh'), { type: 'batchNormalization', scale: false }]],
    [
      'layer normalisation',
      [{ type: 'dense', units: 6, activation: 'tanh' }, { type: 'layerNormalization' }],
    ],
    [
      'dropout',
      [
        { type: 'dropout', rate: 0.5 },
        { type: 'dense', units: 6, activation: 'relu' },
      ],
    ],
    ['nothing before the output', []],
  ] as [string, LayerRequests][])('with %s', (_, layers) => {
    expectAgreement(compare(layers, 'softmax', [1, 0, 2]))
  })

  it('for several sigmoid units, and for one, whose first class has the logit −z', () => {
    expectAgreement(compare(hidden('tanh'), 'sigmoid', [2, 1, 0]))
    expectAgreement(compare(hidden('tanh'), 'sigmoid', [0, 1, 0], 1))
  })

  it('without the gradients of weights, which nobody wants', () => {
    const { operations } = compare(hidden('relu'), 'softmax', [0, 1, 2])
    expect(operations.filter(({ kind }) => kind === 'sumExamples')).toEqual([])
    // Two of three products on the way there, three on the way back.
    expect(operations.filter(({ kind }) => kind === 'matMul')).toHaveLength(5)
  })
})
