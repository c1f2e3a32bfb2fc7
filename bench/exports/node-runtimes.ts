import { loadGraphModel } from '@tensorflow/tfjs-converter'
import * as tf from '@tensorflow/tfjs-core'
import { loadLayersModel } from '@tensorflow/tfjs-layers'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { createPortableEngine } from '../../worker/engines/portable/engine.ts'
import { unzip } from './unzip.ts'

const SHAPE = [-1, 28, 28, 1]

/** `tf.loadLayersModel`. */
export async function runLayersModel(file: Buffer, images: Uint8Array): Promise<Float32Array> {
  return runTensorflow(await loadLayersModel(await readArchive(file)), images)
}

/** `tf.loadGraphModel`. */
export async function runGraphModel(file: Buffer, images: Uint8Array): Promise<Float32Array> {
  return runTensorflow(await loadGraphModel(await readArchive(file)), images)
}

async function readArchive(file: Buffer): Promise<tf.io.IOHandler> {
  await createPortableEngine() // makes the wasm backend the current one
  const files = await unzip(file)
  const { weightsManifest, ...model } = JSON.parse(`${files.get('model.json')}`)
  return tf.io.fromMemory({
    ...model,
    weightSpecs: weightsManifest[0].weights,
    weightData: new Uint8Array(files.get('weights.bin') ?? []).buffer,
  })
}

function runTensorflow(model: { predict(x: tf.Tensor): unknown }, images: Uint8Array): Float32Array {
  return tf.tidy(() => {
    const pixels = tf.tensor4d(Float32Array.from(images), [images.length / 784, 28, 28, 1])
    return (model.predict(pixels) as tf.Tensor).dataSync<'float32'>()
  })
}

/** `ort.InferenceSession`. */
export async function runOnnx(file: Buffer, images: Uint8Array): Promise<Float32Array> {
  const session = await InferenceSession.create(new Uint8Array(file))
  const shape = [images.length / 784, ...SHAPE.slice(1)]
  const { probabilities } = await session.run({ input: new Tensor('uint8', images, shape) })
  return probabilities?.data as Float32Array
}
