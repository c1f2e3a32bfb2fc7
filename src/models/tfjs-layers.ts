import type { ActivationName } from '../mlp/activations/registry.ts'
import { type PlacedLayer, placeLayers } from '../mlp/network.ts'
import { createEncoder } from '../preprocessing/encoder.ts'
import { plainScaling } from './exports/plain-scaling.ts'
import type { Manifest } from './manifest.ts'

/**
 * The `model.json` of a model for `tf.loadLayersModel`. A leading Rescaling layer does the preprocessing where that
 * is one factor and one offset, so the model takes the data's own units, like the API. Else it takes what the
 * preprocessing of the manifest gives; and the targets of a regression are scaled, as the manifest says. Images that are
 * to be moved to their center of mass are taken moved.
 * @see TensorFlow.js, "Importing a Keras model": the tfjs Layers format; tfjs-layers/src/layers/preprocessing
 */
export function toLayersModel(manifest: Omit<Manifest, 'files'>): object {
  const { shape, columns = null } = manifest.input
  const { inputUnits } = createEncoder(manifest.preprocessing, columns, shape)
  const inputShape = 'scale' in manifest.preprocessing ? shape : [inputUnits]
  const layers = [
    {
      class_name: 'Rescaling',
      config: {
        name: 'preprocessing',
        dtype: 'float32',
        batch_input_shape: [null, ...inputShape],
        ...(plainScaling(manifest.preprocessing) ?? { scale: 1, offset: 0 }),
      },
    },
    ...(inputShape.length > 1
      ? [{ class_name: 'Flatten', config: { name: 'flatten', dtype: 'float32' } }]
      : []),
    ...placeLayers(manifest.network, inputUnits).flatMap(toLayers),
  ]
  return {
    format: 'layers-model',
    generatedBy: 'Trainyard',
    convertedBy: null,
    modelTopology: {
      class_name: 'Sequential',
      config: { name: 'model', layers },
      keras_version: 'tfjs-layers 4.22.0',
      backend: 'tensor_flow.js',
    },
    weightsManifest: [
      {
        paths: ['weights.bin'],
        weights: manifest.weights.map(({ name, shape }) => ({ name, shape, dtype: 'float32' })),
      },
    ],
  }
}

interface SerializedLayer {
  class_name: string
  config: Record<string, unknown>
}

/** A layer of ours as one or two of theirs. @see tfjs-layers/src/layers */
function toLayers({ layer, name }: PlacedLayer): SerializedLayer[] {
  const config = { name, dtype: 'float32', ...('trainable' in layer && { trainable: false }) }
  switch (layer.type) {
    case 'dense': {
      const { units, useBias, activation } = layer
      const affine = { ...config, units, use_bias: useBias }
      const inside = INSIDE[activation]
      if (inside) return [{ class_name: 'Dense', config: { ...affine, activation: inside } }]
      return [
        { class_name: 'Dense', config: { ...affine, activation: 'linear' } },
        ...toActivation(activation, `${name}_activation`),
      ]
    }
    case 'activation':
      return toActivation(layer.activation, name)
    case 'dropout':
      return [{ class_name: 'Dropout', config: { ...config, rate: layer.rate } }]
    case 'batchNormalization': {
      const { momentum, epsilon, center, scale } = layer
      return [
        {
          class_name: 'BatchNormalization',
          config: { ...config, axis: -1, momentum, epsilon, center, scale },
        },
      ]
    }
    case 'layerNormalization': {
      const { epsilon, center, scale } = layer
      return [{ class_name: 'LayerNormalization', config: { ...config, axis: [-1], epsilon, center, scale } }]
    }
  }
}

/** Activations that their dense layers know, by their names. @see tfjs-layers/src/activations.ts */
const INSIDE: Partial<Record<ActivationName, string>> = {
  linear: 'linear',
  relu: 'relu',
  elu: 'elu',
  selu: 'selu',
  gelu: 'gelu',
  silu: 'swish',
  softplus: 'softplus',
  sigmoid: 'sigmoid',
  tanh: 'tanh',
  softmax: 'softmax',
}

function toActivation(activation: ActivationName, name: string): SerializedLayer[] {
  const config = { name, dtype: 'float32' }
  const inside = INSIDE[activation]
  return inside === undefined
    ? [{ class_name: 'LeakyReLU', config: { ...config, alpha: 0.2 } }]
    : [{ class_name: 'Activation', config: { ...config, activation: inside } }]
}
