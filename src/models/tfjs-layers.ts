import { layerNames } from '../mlp/network.ts'
import type { Manifest } from './manifest.ts'

/**
 * The `model.json` of a model for `tf.loadLayersModel`. A leading Rescaling layer does the preprocessing, so the
 * model takes the data's own units, like the API.
 * @see TensorFlow.js, "Importing a Keras model": the tfjs Layers format; tfjs-layers/src/layers/preprocessing
 */
export function toLayersModel(manifest: Omit<Manifest, 'files'>): object {
  const names = layerNames(manifest.network)
  const inputShape = manifest.input.shape
  const layers = [
    {
      class_name: 'Rescaling',
      config: {
        name: 'preprocessing',
        dtype: 'float32',
        batch_input_shape: [null, ...inputShape],
        scale: manifest.preprocessing.scale,
        offset: 0,
      },
    },
    ...(inputShape.length > 1
      ? [{ class_name: 'Flatten', config: { name: 'flatten', dtype: 'float32' } }]
      : []),
    ...manifest.network.layers.map((layer, index) => ({
      class_name: 'Dense',
      config: {
        name: names[index],
        dtype: 'float32',
        units: layer.units,
        activation: layer.activation,
        use_bias: true,
      },
    })),
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
