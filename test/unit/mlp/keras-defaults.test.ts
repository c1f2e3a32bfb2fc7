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

/** Layers of which something may be left out. */
const LAYER_REQUESTS = [
  { type: 'dense', units: 1 },
  { type: 'batchNormalization' },
  { type: 'layerNormalization' },
] as const satisfies LayerRequest[]

describe('what is left out of a request is what Keras fills in', () => {
  const { layers, losses, optimizers } = reference.defaults

  /** Every option that we have is one of Keras's, and has its value. */
  function expectDefaults({ type, ...ours }: { type: string }, keras: Record<string, unknown> = {}) {
    const theirs = Object.fromEntries(Object.keys(ours).map(name => [name, keras[name]]))
    expect(ours, type).toEqual(theirs)
  }

  it.each(LAYER_REQUESTS)('in $type', request => {
    const [layer] = resolveNetwork({ layers: [request] }).layers
    if (!layer) throw new Error('one layer makes one')
    const { activation, ...options } = layers[request.type] ?? {}
    expectDefaults(layer, { ...options, activation: activation ?? 'linear', units: 1 })
  })

  it.each(Object.keys(LOSSES) as LossName[])('in the loss %s', name => {
    expectDefaults(resolveLoss(name), losses[name])
  })

  it.each(Object.keys(OPTIMIZERS) as OptimizerSpec['type'][])('in the optimizer %s', type => {
    const { weightDecay, ...options } = optimizers[type] ?? {}
    expectDefaults(resolveOptimizer({ type }), { ...options, weightDecay: weightDecay ?? 0 })
  })
})

/** How large the numbers of a kernel or a bias are at first. */
function measure(name: InitializerName, shape: [number, number] | [number]) {
  const numbers = initialize(name, createRandom(1, name), shape)
  const squares = numbers.reduce((sum, number) => sum + number ** 2, 0)
  return {
    deviation: Math.sqrt(squares / numbers.length),
    largest: numbers.reduce((largest, number) => Math.max(largest, Math.abs(number)), 0),
  }
}

describe('an initialiser draws numbers as large as those of Keras', () => {
  const initializers = Object.keys(INITIALIZERS) as InitializerName[]

  /** Within 2 %: 10 000 numbers tell a deviation to 1 %. */
  function expectNear(actual: number, wanted = Number.NaN) {
    expect(Math.abs(actual - wanted)).toBeLessThanOrEqual(0.02 * wanted)
  }

  it.each(initializers)('%s, for a kernel', name => {
    const keras = reference.initializers[name]?.kernel
    const { deviation, largest } = measure(name, [300, 200])
    expectNear(deviation, keras?.deviation)
    if (name !== 'orthogonal') expectNear(largest, keras?.largest) // its numbers have no bound
  })

  it.each(initializers.filter(name => name !== 'orthogonal'))('%s, for a bias', name => {
    const keras = reference.initializers[name]?.bias
    const { deviation, largest } = measure(name, [10_000])
    expectNear(deviation, keras?.deviation)
    expectNear(largest, keras?.largest)
  })
})
