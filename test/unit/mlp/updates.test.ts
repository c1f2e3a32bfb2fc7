import { describe, expect, it } from 'vitest'
import { createInterpreter } from '../../../src/mlp/interpreter.ts'
import { resolveLoss } from '../../../src/mlp/losses/registry.ts'
import { resolveNetwork } from '../../../src/mlp/network.ts'
import { resolveOptimizer } from '../../../src/mlp/optimizers/registry.ts'
import { buildProgram } from '../../../src/mlp/program.ts'
import { createRandom } from '../../../src/mlp/random.ts'

type OptimizerRequest = Parameters<typeof resolveOptimizer>[0]

/** Numbers of the two variables of a dense layer of one unit. */
interface Pair {
  kernel: readonly number[]
  bias: readonly number[]
}

/** Where the weights of a dense layer, all 1 at first, stand after each step, for the gradients given. */
function walkPair(optimizer: OptimizerRequest, gradients: readonly Pair[]): Pair[] {
  const spec = resolveOptimizer(optimizer)
  const program = buildProgram({
    inputUnits: gradients[0]?.kernel.length ?? 1,
    task: 'classification',
    inputScaling: { scale: 1, offset: 0 },
    network: resolveNetwork({ layers: [{ type: 'dense', units: 1 }] }),
    loss: resolveLoss('meanSquaredError'),
    optimizer: spec,
    classWeights: null,
  })
  const interpreter = createInterpreter(program.valueCount, Float64Array)
  for (const { value, role, shape, initialize } of program.variables) {
    const first =
      role === 'weight' ? new Float64Array(shape[0] ?? 1).fill(1) : initialize(createRandom(1, 'x'))
    interpreter.set(value, Float64Array.from(first))
  }
  interpreter.set(program.inputs.learningRate, Float64Array.of(spec.learningRate))
  const partOf = (name: string) => (name.endsWith('kernel') ? 'kernel' : 'bias')
  return gradients.map((gradient, index) => {
    for (const scalar of program.scalars) interpreter.set(scalar.value, Float64Array.of(scalar.at(index + 1)))
    for (const weight of program.training.gradients) {
      interpreter.set(weight.gradient, Float64Array.from(gradient[partOf(weight.variable.name)]))
    }
    interpreter.run(program.update, 1)
    const places = program.training.gradients.map(({ variable }) => [
      partOf(variable.name),
      Array.from(interpreter.get(variable.value)),
    ])
    return Object.fromEntries(places)
  })
}

/** Where a weight that begins at 1 stands after each step, for the gradients given. */
function walk(optimizer: OptimizerRequest, gradients: readonly number[]): number[] {
  const pairs = gradients.map(gradient => ({ kernel: [gradient], bias: [gradient] }))
  return walkPair(optimizer, pairs).map(({ kernel, bias }) => {
    expect(kernel, 'the kernel and the bias move alike').toEqual(bias)
    return kernel[0] ?? Number.NaN
  })
}

function expectPlaces(places: readonly number[], expected: readonly number[]) {
  expect(places).toHaveLength(expected.length)
  expected.forEach((place, step) => {
    expect(places[step], `after step ${step + 1}`).toBeCloseTo(place, 14)
  })
}

describe('gradient descent', () => {
  it('moves by the learning rate times the gradient', () => {
    // 1 − 0.1 · 0.5, then + 0.1 · 1
    expectPlaces(
      walk({ type: 'sgd', learningRate: 0.1, momentum: 0, nesterov: false }, [0.5, -1]),
      [0.95, 1.05],
    )
  })

  it('keeps nine tenths of its velocity with momentum 0.9', () => {
    // v = −0.05, then 0.9 · −0.05 − 0.05 = −0.095
    expectPlaces(
      walk({ type: 'sgd', learningRate: 0.1, momentum: 0.9, nesterov: false }, [0.5, 0.5]),
      [0.95, 0.855],
    )
  })

  it('looks ahead along its velocity with Nesterov’s momentum', () => {
    // 0.9 · −0.05 − 0.05 = −0.095, then 0.9 · −0.095 − 0.05 = −0.1355
    expectPlaces(
      walk({ type: 'sgd', learningRate: 0.1, momentum: 0.9, nesterov: true }, [0.5, 0.5]),
      [0.905, 0.7695],
    )
  })
})

describe('Adam', () => {
  it('moves by its moments, with the bias corrected and epsilon outside the correction', () => {
    const optimizer = { type: 'adam', learningRate: 0.1, beta1: 0.5, beta2: 0.75, epsilon: 1 } as const
    // Step 1: m = 0.5 · 2 = 1, v = 0.25 · 4 = 1, correction √(1 − 0.75) / (1 − 0.5) = 1, move 0.1 · 1 / (1 + 1).
    // Step 2: m = 0.5 · 1 − 0.5 · 2 = −0.5, v = 0.75 + 0.25 · 4 = 1.75, correction √(1 − 0.5625) / (1 − 0.25).
    const second = (0.1 * (Math.sqrt(0.4375) / 0.75) * -0.5) / (Math.sqrt(1.75) + 1)
    expectPlaces(walk(optimizer, [2, -2]), [0.95, 0.95 - second])
  })

  it('begins with a step of the learning rate, however large the gradient', () => {
    for (const gradient of [1, 1_000]) {
      const optimizer = { type: 'adam', learningRate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 } as const
      expect(walk(optimizer, [gradient])[0]).toBeCloseTo(0.99, 6)
    }
  })
})

describe('RMSprop', () => {
  it('divides by the root of the mean square, with epsilon inside the root', () => {
    const optimizer = {
      type: 'rmsprop',
      learningRate: 0.1,
      rho: 0.75,
      momentum: 0,
      epsilon: 0.21,
    } as const
    // s = 0.25 · 4 = 1, √1.21 = 1.1; then s = 0.75 + 1 = 1.75, √1.96 = 1.4
    expectPlaces(walk(optimizer, [2, 2]), [1 - 0.2 / 1.1, 1 - 0.2 / 1.1 - 0.2 / 1.4])
  })

  it('keeps half of its last move with momentum 0.5', () => {
    const optimizer = {
      type: 'rmsprop',
      learningRate: 0.1,
      rho: 0.75,
      momentum: 0.5,
      epsilon: 0.21,
    } as const
    expectPlaces(walk(optimizer, [2, 2]), [1 - 0.2 / 1.1, 1 - 0.2 / 1.1 - (0.1 / 1.1 + 0.2 / 1.4)])
  })
})

describe('Nadam', () => {
  it('looks ahead by the momentum of the next step', () => {
    const optimizer = { type: 'nadam', learningRate: 0.1, beta1: 0.5, beta2: 0.75, epsilon: 1 } as const
    // μ₁ = 0.5 (1 − 0.5 · 0.96) = 0.26, μ₂ = 0.5 (1 − 0.5 · 0.9216) = 0.2696, μ₃ = 0.5 (1 − 0.5 · 0.884736) = 0.278816.
    // Step 1: m = 1, v = 1, v̂ = 1 / 0.25 = 4. Step 2: m = −0.5, v = 1.75, v̂ = 1.75 / 0.4375 = 4.
    const [two, three] = [0.26 * 0.2696, 0.26 * 0.2696 * 0.278816]
    const first = (0.1 * (0.2696 / (1 - two) + (0.74 * 2) / 0.74)) / 3
    const second = (0.1 * ((0.278816 * -0.5) / (1 - three) + (0.7304 * -2) / (1 - two))) / 3
    expectPlaces(walk(optimizer, [2, -2]), [1 - first, 1 - first - second])
  })
})

describe('Adagrad', () => {
  it('divides by the root of the sum of all squares, from its first value on', () => {
    const optimizer = {
      type: 'adagrad',
      learningRate: 0.1,
      initialAccumulatorValue: 1,
      epsilon: 0.25,
    } as const
    // a = 1 + 1, √2.25 = 1.5; then a = 2 + 4, √6.25 = 2.5
    expectPlaces(walk(optimizer, [1, 2]), [1 - 0.1 / 1.5, 1 - 0.1 / 1.5 - 0.2 / 2.5])
  })

  it('begins with 0.1 unless said otherwise', () => {
    // a = 0.1 + 0.3² = 0.19
    expect(walk({ type: 'adagrad', learningRate: 1 }, [0.3])[0]).toBeCloseTo(1 - 0.3 / Math.sqrt(0.19), 6)
  })
})

describe('Lion', () => {
  it('moves by the learning rate, whichever way gradient and momentum point together', () => {
    const optimizer = { type: 'lion', learningRate: 0.1, beta1: 0.5, beta2: 0.75 } as const
    // 0.5 · 2 > 0, m = 0.5; 0.5 · 0.5 − 0.5 · 0.2 > 0, m = 0.375 − 0.05 = 0.325; 0.5 · 0.325 − 0.5 · 1 < 0
    expectPlaces(walk(optimizer, [2, -0.2, -1]), [0.9, 0.8, 0.9])
  })

  it('stands still where there is neither', () => {
    expectPlaces(walk({ type: 'lion', learningRate: 0.1 }, [0]), [1])
  })
})

describe('weight decay', () => {
  it('takes its part, times the learning rate, off every weight before the step', () => {
    // 1 · (1 − 0.1 · 0.5) − 0.1 · 0.5, then 0.9 · 0.95 + 0.1
    expectPlaces(walk({ type: 'sgd', learningRate: 0.1, weightDecay: 0.5 }, [0.5, -1]), [0.9, 0.955])
  })

  it('of AdamW is apart from its moments, and 0.004 unless said otherwise', () => {
    const moments = { learningRate: 0.1, beta1: 0.5, beta2: 0.75, epsilon: 1 }
    // The steps of Adam above, each after 5 % are gone.
    const second = (0.1 * (Math.sqrt(0.4375) / 0.75) * -0.5) / (Math.sqrt(1.75) + 1)
    const places = walk({ type: 'adamW', weightDecay: 0.5, ...moments }, [2, -2])
    expectPlaces(places, [0.95 - 0.05, 0.9 * 0.95 - second])
    expectPlaces(walk({ type: 'adamW', ...moments }, [2]), [1 - 0.1 * 0.004 - 0.05])
  })

  it('of Adam is none unless it is asked for', () => {
    expectPlaces(walk({ type: 'adam', learningRate: 0.1 }, [0]), [1])
  })
})

describe('clipping', () => {
  // ‖kernel‖ = 5, ‖bias‖ = 12, and 13 both together
  const gradient = { kernel: [3, 4], bias: [-12] }
  it.each([
    ['clipNorm below both norms', { clipNorm: 2.5 }, [1.5, 2], [-2.5]],
    ['clipNorm between the norms', { clipNorm: 6 }, [3, 4], [-6]],
    ['clipNorm above both', { clipNorm: 20 }, [3, 4], [-12]],
    ['clipValue', { clipValue: 3.5 }, [3, 3.5], [-3.5]],
    ['globalClipNorm below the norm of all', { globalClipNorm: 6.5 }, [1.5, 2], [-6]],
    [
      'globalClipNorm between the norms of one and of all',
      { globalClipNorm: 12.5 },
      [37.5 / 13, 50 / 13],
      [-150 / 13],
    ],
    ['globalClipNorm above', { globalClipNorm: 14 }, [3, 4], [-12]],
  ])('by %s', (_, limit, kernel, bias) => {
    const [place] = walkPair({ type: 'sgd', learningRate: 1, ...limit }, [gradient])
    expectPlaces(
      place?.kernel ?? [],
      kernel.map(moved => 1 - moved),
    )
    expectPlaces(
      place?.bias ?? [],
      bias.map(moved => 1 - moved),
    )
  })

  it.each([{ clipNorm: 1 }, { clipValue: 1 }, { globalClipNorm: 1 }])('by %j leaves zero at zero', limit => {
    expectPlaces(walk({ type: 'sgd', learningRate: 1, ...limit }, [0]), [1])
  })

  it('is of the gradient, not of the decay', () => {
    // 1 · (1 − 0.5) − 0.25
    expectPlaces(walk({ type: 'sgd', learningRate: 1, weightDecay: 0.5, clipValue: 0.25 }, [9]), [0.25])
  })
})
