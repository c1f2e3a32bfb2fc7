import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { Examples } from '../../worker/engines/engine.ts'

/** Pixels of an image. */
export const FEATURES = 784

/** Bytes before the numbers of an IDX file: magic number, count, and for images rows and columns. */
const IMAGES_HEADER = 16
const LABELS_HEADER = 8

/**
 * A part of MNIST: pixels as bytes and digits.
 * @param prefix - `train` or `t10k`
 * @see LeCun, Cortes & Burges, "The MNIST database of handwritten digits": the IDX file format
 */
export function readMnist(folder: string, prefix: 'train' | 't10k'): Examples {
  const read = (name: string) => readFileSync(path.join(folder, `${prefix}-${name}-ubyte`))
  return {
    features: new Uint8Array(read('images-idx3').subarray(IMAGES_HEADER)),
    labels: Int32Array.from(read('labels-idx1').subarray(LABELS_HEADER)),
  }
}
