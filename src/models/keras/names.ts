import type { ActivationName } from '../../mlp/activations/registry.ts'
import type { InitializerName } from '../../mlp/initializers.ts'
import type { Layer } from '../../mlp/layers/registry.ts'

/** Keras's names of the activations; defaults of both agree. @see keras/src/activations/__init__.py */
export const KERAS_ACTIVATIONS: Record<ActivationName, string> = {
  linear: 'linear',
  relu: 'relu',
  leakyRelu: 'leaky_relu',
  elu: 'elu',
  selu: 'selu',
  gelu: 'gelu',
  silu: 'silu',
  softplus: 'softplus',
  sigmoid: 'sigmoid',
  tanh: 'tanh',
  softmax: 'softmax',
}

/** Keras's classes of the initialisers; `Constant` besides. @see keras/src/initializers/__init__.py */
export const KERAS_INITIALIZERS: Record<InitializerName, string> = {
  glorotUniform: 'GlorotUniform',
  glorotNormal: 'GlorotNormal',
  heUniform: 'HeUniform',
  heNormal: 'HeNormal',
  lecunUniform: 'LecunUniform',
  lecunNormal: 'LecunNormal',
  orthogonal: 'Orthogonal',
  zeros: 'Zeros',
  ones: 'Ones',
}

/** Keras's classes of the layers. */
export const KERAS_LAYERS: Record<Layer['type'], string> = {
  dense: 'Dense',
  dropout: 'Dropout',
  batchNormalization: 'BatchNormalization',
  layerNormalization: 'LayerNormalization',
  activation: 'Activation',
}

/**
 * The variables of a layer, by the last part of their names, in the order of the files of Keras.
 * @see keras/src/layers/layer.py, `save_own_variables`: trainable ones in the order of `build`, then the others
 */
export function kerasVariables(layer: Layer): string[] {
  switch (layer.type) {
    case 'dense':
      return layer.useBias ? ['kernel', 'bias'] : ['kernel']
    case 'batchNormalization':
      return [...rowsOf(layer), 'moving_mean', 'moving_variance']
    case 'layerNormalization':
      return rowsOf(layer)
    case 'dropout':
    case 'activation':
      return []
  }
}

function rowsOf({ scale, center }: { scale: boolean; center: boolean }): string[] {
  return [...(scale ? ['gamma'] : []), ...(center ? ['beta'] : [])]
}

/**
 * The folders of layers in `model.weights.h5`, under `/layers`: the class in snake case, numbered from the second of
 * its kind on.
 * @param classNames - of all layers of the model in order, the input layer left out
 * @see keras/src/saving/saving_lib.py, `_save_container_state`
 */
export function kerasFolders(classNames: readonly string[]): string[] {
  const counts = new Map<string, number>()
  return classNames.map(className => {
    const name = className.replace(/(?<=[a-z0-9])[A-Z]/g, letter => `_${letter}`).toLowerCase()
    const before = counts.get(name) ?? 0
    counts.set(name, before + 1)
    return before === 0 ? name : `${name}_${before}`
  })
}
