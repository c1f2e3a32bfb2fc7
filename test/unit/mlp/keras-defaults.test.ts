import { describe, expect, it } from 'vitest'
import { type InitializerName, initialize } from '../../../src/mlp/initializers.ts'
import type { LayerRequest } from '../../../src/mlp/layers/registry.ts'
import { LOSSES, type LossName, resolveLoss } from '../../../src/mlp/losses/registry.ts'
import { resolveNetwork } from '../../../src/mlp/network.ts'
import { OPTIMIZERS, type OptimizerSpec, resolveOptimizer } from '../../../src/mlp/optimizers/registry.ts'
import { createRandom } from '../../../src/mlp/random.ts'
import { readReference } from '../../helpers/reference.ts'

const { reference } = await readReference()

/** The compiler sees to it that none is left out. */
const INITIALIZERS = {
  glorotUniform: true,
  glorotNormal: true,
  heUniform: true,
  heNormal: true,
  lecunUniform: true,
  lecunNormal: true,
  orthogonal: true,
  zeros: true,
  ones: true,
} satisfies Record<InitializerName, true>

describe('what is left out of a request is what Keras fills in', () => {
  const { dense, normalizations, losses, optimizers } = reference.defaults

  /** Every option that we have is one of Keras's, and has its value. */
  function expectDefaults(ours: { type: string }, keras: Record<string, unknown> = {}) {
    const { type, ...options } = ours
    const theirs = Object.fromEntries(Object.keys(options).map(name => [name, keras[name]]))
    expect(options, type).toEqual(theirs)
  }

  function resolveLayer(layer: LayerRequest) {
    const [resolved] = resolveNetwork({ layers: [layer] }).layers
    if (!resolved) throw new Error('one layer makes one')
    return resolved
  }

  it('in a dense layer', () => {
    expectDefaults(resolveLayer({ type: 'dense', units: 1 }), { ...dense, units: 1 })
  })

  it.each(['batchNormalization', 'layerNormalization'] as const)('in %s', type => {
    expectDefaults(resolveLayer({ type }), normalizations[type])
  })

  it.each(Object.keys(LOSSES) as LossName[])('in the loss %s', name => {
    expectDefaults(resolveLoss(name), losses[name])
  })

  it.each(Object.keys(OPTIMIZERS) as OptimizerSpec['type'][])('in the optimizer %s', type => {
    const { weightDecay, ...options } = optimizers[type] ?? {}
    expectDefaults(resolveOptimizer({ type }), { ...options, weightDecay: weightDecay ?? 0 })
  })
})

describe('an initialiser draws numbers as large as those of Keras', () => {
  it.each(Object.keys(INITIALIZERS) as InitializerName[])('%s', name => {
    const { kernel, bias } = reference.initializers[name] ?? {}
    const describeDraw = (shape: [number, number] | [number]) => {
      const numbers = Float64Array.from(initialize(name, createRandom(1, name), shape))
      const squares = numbers.reduce((sum, number) => sum + number ** 2, 0)
      return {
        deviation: Math.sqrt(squares / numbers.length),
        largest: numbers.reduce((largest, number) => Math.max(largest, Math.abs(number)), 0),
      }
    }
    const expectAlike = (shape: [number, number] | [number], keras = { deviation: -1, largest: -1 }) => {
      const ours = describeDraw(shape)
      expect(Math.abs(ours.deviation - keras.deviation)).toBeLessThanOrEqual(0.02 * keras.deviation)
      if (name === 'orthogonal') return // its numbers have no bound
      expect(Math.abs(ours.largest - keras.largest)).toBeLessThanOrEqual(0.02 * keras.largest)
    }
    expectAlike([300, 200], kernel)
    if (name !== 'orthogonal') expectAlike([10_000], bias) // Keras has none for a bias
  })
})
