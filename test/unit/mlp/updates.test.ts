import { describe, expect, it } from 'vitest'
import { createInterpreter } from '../../../src/mlp/interpreter.ts'
import type { OptimizerSpec } from '../../../src/mlp/optimizers/registry.ts'
import { buildProgram } from '../../../src/mlp/program.ts'

/** Where a weight that begins at 1 stands after each step, for the gradients given. */
function walk(optimizer: OptimizerSpec, gradients: readonly number[]): number[] {
  const program = buildProgram({
    inputUnits: 1,
    preprocessing: { scale: 1 },
    network: {
      layers: [{ type: 'dense', units: 1, activation: 'linear', kernelInitializer: 'glorotUniform' }],
    },
    loss: 'meanSquaredError',
    optimizer,
  })
  const interpreter = createInterpreter(program.valueCount, Float64Array)
  for (const { value, role } of program.variables) {
    interpreter.set(value, Float64Array.of(role === 'weight' ? 1 : 0))
  }
  return gradients.map((gradient, index) => {
    for (const scalar of program.scalars) interpreter.set(scalar.value, Float64Array.of(scalar.at(index + 1)))
    for (const weight of program.training.gradients) {
      interpreter.set(weight.gradient, Float64Array.of(gradient))
    }
    interpreter.run(program.update, 1)
    const moved = program.training.gradients.map(({ variable }) => interpreter.get(variable.value)[0])
    expect(moved[0], 'the kernel and the bias move alike').toBe(moved[1])
    return moved[0] ?? Number.NaN
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
