import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { ACTIVATIONS, type ActivationName } from '../../../../src/mlp/activations/registry.ts'
import { createCompiler } from '../../../../src/mlp/forward/compile.ts'
import { fuseOperations } from '../../../../src/mlp/forward/fuse.ts'
import { divideProgram } from '../../../../src/mlp/forward/known-values.ts'
import { createInterpreter } from '../../../../src/mlp/interpreter.ts'
import { LAYERS } from '../../../../src/mlp/layers/registry.ts'
import { resolveNetwork } from '../../../../src/mlp/network.ts'
import { buildInferenceProgram, type InferenceProgram } from '../../../../src/mlp/program.ts'
import { createRandom } from '../../../../src/mlp/random.ts'
import type { LayerRequests } from '../../../helpers/small-network.ts'

const compile = createCompiler()
const ACTIVATION_NAMES = Object.keys(ACTIVATIONS) as ActivationName[]

/** With a scale that takes bytes to numbers near 1, unless a test says otherwise. */
function programOf(inputUnits: number, layers: LayerRequests, scale = 1 / 255): InferenceProgram {
  return buildInferenceProgram({
    inputUnits,
    inputScaling: { scale, offset: 0 },
    network: resolveNetwork({ layers }),
  })
}

/** Weights as training leaves them: statistics and rows that are not 0 and 1, biases that are not 0. */
function drawWeights(program: InferenceProgram, seed: number): Map<string, Float32Array> {
  return new Map(
    program.variables.map(variable => {
      const random = createRandom(seed, variable.name)
      const first = variable.initialize(random)
      const isPositive = /moving_variance|gamma/.test(variable.name)
      const isMatrix = variable.shape.length === 2
      return [
        variable.name,
        isMatrix ? first : first.map(() => (isPositive ? 0.3 + random.uniform() : random.uniform() - 0.5)),
      ]
    }),
  )
}

/** Whole numbers up to 255, most of them 0, as of a drawing; some rows have none at all. */
function drawFeatures(count: number, units: number, seed: number): Float32Array {
  const random = createRandom(seed, 'features')
  return Float32Array.from({ length: count * units }, () => (random.integer(3) > 0 ? 0 : random.integer(256)))
}

/** What the plain interpreter makes of it. */
function interpret(
  program: InferenceProgram,
  weights: Map<string, Float32Array>,
  features: Float32Array,
  FloatArrayType: Float32ArrayConstructor | Float64ArrayConstructor = Float64Array,
): number[] {
  const interpreter = createInterpreter(program.valueCount, FloatArrayType)
  for (const { name, value } of program.variables) {
    interpreter.set(value, weights.get(name) ?? new Float32Array())
  }
  interpreter.set(program.features, features)
  interpreter.run(program.operations, features.length / program.inputUnits)
  return Array.from(interpreter.get(program.predictions))
}

/** The same weights, each rounded the other way by chance. */
function nudge(weights: Map<string, Float32Array>, seed: number): Map<string, Float32Array> {
  const random = createRandom(seed, 'nudge')
  return new Map(
    [...weights].map(([name, array]) => [
      name,
      array.map(weight => weight * (1 + (random.integer(3) - 1) * 2 ** -23)),
    ]),
  )
}

const NUDGES = 8

/**
 * Compares a compiled network with the interpreter in double precision: 1e-6 of the largest output apart at most. Where a
 * network magnifies the rounding of its own sums, what single precision can give is found out with weights that differ in
 * their last digit: twice as far as the interpreter comes with one of them at most.
 */
function expectSame(program: InferenceProgram, seed: number, count: number): void {
  const weights = drawWeights(program, seed)
  const features = drawFeatures(count, program.inputUnits, seed)
  const exact = interpret(program, weights, features)
  const largest = Math.max(1, ...exact.map(Math.abs))
  const distance = (numbers: number[]) =>
    Math.max(0, ...numbers.map((number, index) => Math.abs(number - (exact[index] ?? Number.NaN)) / largest))
  const received = Array.from(compile(program, weights).predict(features, count))
  expect(received).toHaveLength(exact.length)
  const apart = distance(received)
  if (apart <= 1e-6) return
  const single = Array.from({ length: NUDGES }, (_, draw) =>
    distance(interpret(program, nudge(weights, draw), features, Float32Array)),
  )
  expect(apart).toBeLessThanOrEqual(2 * Math.max(...single))
}

const layer = fc.oneof(
  fc.record({
    type: fc.constant('dense' as const),
    units: fc.integer({ min: 1, max: 90 }),
    activation: fc.constantFrom(...ACTIVATION_NAMES),
    useBias: fc.boolean(),
  }),
  fc.record({ type: fc.constant('activation' as const), activation: fc.constantFrom(...ACTIVATION_NAMES) }),
  fc.record({ type: fc.constant('dropout' as const), rate: fc.constantFrom(0, 0.5) }),
  fc.record({
    type: fc.constantFrom('batchNormalization' as const, 'layerNormalization' as const),
    center: fc.boolean(),
    scale: fc.boolean(),
  }),
)

describe('a compiled network', () => {
  it('is as near to the exact answer as single precision comes, where a network magnifies its rounding', () => {
    const program = programOf(
      14,
      [
        { type: 'dropout', rate: 0 },
        { type: 'dense', units: 67, activation: 'softplus', useBias: false },
        { type: 'layerNormalization', center: true, scale: false },
        { type: 'dense', units: 89, activation: 'softmax', useBias: false },
        { type: 'layerNormalization', center: false, scale: false },
      ],
      -1 / 64,
    )
    for (let draw = 0; draw < 50; draw++) expectSame(program, 936_318_383 + draw, 1)
  })

  it('predicts what the interpreter does, for any layers in any order', () => {
    const places = { count: fc.integer({ min: 1, max: 19 }), inputUnits: fc.integer({ min: 1, max: 70 }) }
    const networks = fc.record({
      ...places,
      layers: fc.array(layer, { minLength: 1, maxLength: 6 }),
      scale: fc.constantFrom(-1 / 64, 1 / 255),
      seed: fc.nat(),
    })
    fc.assert(
      fc.property(networks, ({ count, inputUnits, layers, scale, seed }) => {
        const program = programOf(inputUnits, layers as LayerRequests, scale)
        expectSame(program, seed, count)
      }),
      { numRuns: 400 },
    )
  })

  it.each(ACTIVATION_NAMES)('predicts the same with %s in every place', activation => {
    const program = programOf(30, [
      { type: 'dense', units: 41, activation },
      { type: 'batchNormalization' },
      { type: 'activation', activation },
      { type: 'dense', units: 10, activation },
    ])
    expectSame(program, 7, 9)
  })

  it('has every kind of layer among those that were drawn', () => {
    const drawn = fc.sample(layer, 200).map(({ type }) => type)
    expect(new Set(drawn)).toEqual(new Set(Object.keys(LAYERS)))
  })

  it.each([1, 7, 8, 9, 31, 32, 33, 40, 65])('fills panels of weights with %i columns', units => {
    for (const count of [1, 2, 8, 9, 17]) {
      const program = programOf(5, [{ type: 'dense', units }])
      expectSame(program, units, count)
    }
  })

  it('gives arrays of the caller’s own, which later predictions leave alone', () => {
    const program = programOf(3, [{ type: 'dropout', rate: 0.5 }], 1)
    const network = compile(program, new Map())
    const first = network.predict(Float32Array.of(1, 2, 3), 1)
    network.predict(Float32Array.of(4, 5, 6), 1)
    expect(first).toEqual(Float32Array.of(1, 2, 3))
    expect(network.predict(new Float32Array(), 0)).toHaveLength(0)
  })

  it('lets NaN and Infinity through, but where they are multiplied with nothing', () => {
    const program = programOf(2, [{ type: 'dense', units: 1, useBias: false }], 1)
    const network = compile(program, new Map([['dense_1/kernel', Float32Array.of(1, 2)]]))
    expect(network.predict(Float32Array.of(Number.NaN, 0, Number.POSITIVE_INFINITY, 1, 0, 0), 3)).toEqual(
      Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY, 0),
    )
  })

  it('needs every weight', () => {
    const program = programOf(2, [{ type: 'dense', units: 1 }])
    expect(() => compile(program, new Map())).toThrow('dense_1/kernel')
  })
})

describe('the steps of a network', () => {
  const stepsOf = (inputUnits: number, layers: LayerRequests) => {
    const program = programOf(inputUnits, layers)
    const weights = new Map(
      program.variables.map(({ name, initialize }) => [name, initialize(createRandom(1, name))]),
    )
    return fuseOperations(divideProgram(program, weights), program.predictions).map(({ kind }) => kind)
  }

  it('are one for each matrix, with scale, bias, relu and batch normalisation in it', () => {
    const layers: LayerRequests = [
      { type: 'dense', units: 8 },
      { type: 'batchNormalization' },
      { type: 'activation', activation: 'relu' },
      { type: 'dropout', rate: 0.5 },
      { type: 'dense', units: 8, activation: 'relu' },
      { type: 'batchNormalization' },
      { type: 'dense', units: 3, activation: 'softmax' },
    ]
    expect(stepsOf(5, layers)).toEqual(['affine', 'affine', 'affine', 'softmax'])
  })

  it('keep a batch normalisation whose shifts are large before the matrix behind it', () => {
    const program = programOf(
      1,
      [
        { type: 'batchNormalization', center: false },
        { type: 'dense', units: 1 },
      ],
      1,
    )
    const weights = drawWeights(program, 1)
    weights.set('batchNormalization_1/moving_mean', Float32Array.of(1e6))
    const kinds = fuseOperations(divideProgram(program, weights), program.predictions).map(({ kind }) => kind)
    expect(kinds).toEqual(['subtract', 'divide', 'multiply', 'affine'])
    const features = Float32Array.of(1_000_001)
    const [expected = 0] = interpret(program, weights, features)
    expect(compile(program, weights).predict(features, 1)[0]).toBeCloseTo(expected, 6)
  })

  it('compute a product once that two others want', () => {
    expect(stepsOf(4, [{ type: 'dense', units: 3, activation: 'leakyRelu' }])).toEqual([
      'affine',
      'relu',
      'multiply',
      'multiply',
      'add',
    ])
  })
})

it('a compiled network does not hold the weights that it was made of: they are in its memory once', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const program = programOf(32, [
    { type: 'dense', units: 16, activation: 'relu' },
    { type: 'batchNormalization' },
    { type: 'dense', units: 4, activation: 'softmax' },
  ])
  const compileDrawn = () => {
    const weights = drawWeights(program, 1)
    return {
      network: compile(program, weights),
      kernels: [...weights]
        .filter(([name]) => name.endsWith('kernel'))
        .map(([, kernel]) => new WeakRef(kernel)),
    }
  }
  const { network, kernels } = compileDrawn()
  expect(kernels).toHaveLength(2)
  network.predict(drawFeatures(3, 32, 1), 3)
  await vi.waitFor(() => {
    collect()
    expect(kernels.map(kernel => kernel.deref() === undefined)).toEqual([true, true])
  })
  expect(network.predict(drawFeatures(3, 32, 1), 3)).toHaveLength(12)
})
