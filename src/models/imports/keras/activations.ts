import type { ActivationName } from '../../../mlp/activations/registry.ts'
import { KERAS_ACTIVATIONS } from '../../keras/names.ts'
import { isFields, quote } from '../parse-json.ts'
import { refuse } from '../refuse.ts'
import type { LayerConfig } from './layer-config.ts'

/** Ours by the names that Keras and TensorFlow.js use in files. */
const BY_NAME: ReadonlyMap<string, ActivationName> = new Map([
  ...(Object.entries(KERAS_ACTIVATIONS) as [ActivationName, string][]).map(
    ([ours, theirs]) => [theirs, ours] as const,
  ),
  ['swish', 'silu'], // what TensorFlow.js calls it
])

/** The slope that Keras has for the activation by its name, which is ours. */
const LEAKY_SLOPE = 0.2

/** The activation that an option names: by its name, or as a function that is called so. */
export function readActivation(config: LayerConfig): ActivationName {
  const value = config.field('activation') ?? 'linear'
  const name = isFields(value) && value.class_name === 'function' ? value.config : value
  const found = typeof name === 'string' ? BY_NAME.get(name) : undefined
  if (found) return found
  throw refuse(
    `${config}: the activation must be one of ${[...BY_NAME.keys()].join(', ')}; received ${quote(value)}`,
  )
}

/** Activations that are layers of their own, by their class. @see keras/src/layers/activations */
export const ACTIVATION_LAYERS: Readonly<Record<string, (config: LayerConfig) => ActivationName>> = {
  Activation: readActivation,
  ReLU(config) {
    config.only('max_value')
    config.only('negative_slope', 0)
    config.only('threshold', 0)
    return 'relu'
  },
  LeakyReLU(config) {
    // Keras 3 has `negative_slope`; before it, and in TensorFlow.js, it was `alpha`. The default is 0.3 in both.
    const key = config.field('negative_slope') === null ? 'alpha' : 'negative_slope'
    const slope = config.number(key, 0.3)
    if (Math.abs(slope - LEAKY_SLOPE) > 1e-6) throw config.wrong(key, String(LEAKY_SLOPE), slope)
    return 'leakyRelu'
  },
  ELU(config) {
    config.only('alpha', 1)
    return 'elu'
  },
  Softmax(config) {
    config.only('axis', -1, [-1])
    return 'softmax'
  },
}
