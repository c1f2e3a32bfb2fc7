import type { Regularizer } from '../../mlp/graph.ts'
import type { Initializer } from '../../mlp/initializers.ts'
import type { PlacedLayer } from '../../mlp/network.ts'
import { KERAS_ACTIVATIONS, KERAS_INITIALIZERS, KERAS_LAYERS } from './names.ts'

/** An object of Keras as it is written down. @see keras/src/saving/serialization_lib.py */
export interface KerasObject {
  module: string
  class_name: string
  config: Record<string, unknown>
  registered_name: null
}

/** An object of a module of Keras. */
export function kerasObject(
  module: 'keras' | 'keras.layers' | 'keras.initializers' | 'keras.regularizers',
  className: string,
  config: Record<string, unknown>,
): KerasObject {
  return { module, class_name: className, config, registered_name: null }
}

/** A layer of ours as one of Keras's, under the same name. What is not said has Keras's default. */
export function toKerasLayer({ layer, name }: PlacedLayer): KerasObject {
  const config = (own: Record<string, unknown>) =>
    kerasObject('keras.layers', KERAS_LAYERS[layer.type], {
      name,
      trainable: !('trainable' in layer),
      dtype: 'float32',
      ...own,
    })
  switch (layer.type) {
    case 'dense':
      return config({
        units: layer.units,
        activation: KERAS_ACTIVATIONS[layer.activation],
        use_bias: layer.useBias,
        kernel_initializer: toInitializer(layer.kernelInitializer),
        bias_initializer: toInitializer(layer.biasInitializer),
        kernel_regularizer: toRegularizer(layer.kernelRegularizer),
        bias_regularizer: toRegularizer(layer.biasRegularizer),
      })
    case 'activation':
      return config({ activation: KERAS_ACTIVATIONS[layer.activation] })
    case 'dropout':
      return config({ rate: layer.rate })
    case 'batchNormalization': {
      const { momentum, epsilon, center, scale } = layer
      return config({ axis: -1, momentum, epsilon, center, scale })
    }
    case 'layerNormalization': {
      const { epsilon, center, scale } = layer
      return config({ axis: -1, epsilon, center, scale })
    }
  }
}

function toInitializer(initializer: Initializer): KerasObject {
  return typeof initializer === 'object'
    ? kerasObject('keras.initializers', 'Constant', { value: initializer.value })
    : kerasObject('keras.initializers', KERAS_INITIALIZERS[initializer], {})
}

function toRegularizer(regularizer: Regularizer | undefined): KerasObject | null {
  return regularizer ? kerasObject('keras.regularizers', 'L1L2', { ...regularizer }) : null
}
