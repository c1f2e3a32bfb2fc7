import { createRequire } from 'node:module'

/**
 * The native half of `@tensorflow/tfjs-node-gpu`, which is all that a graph needs. Tensors are ids that live until
 * they are deleted; nothing is collected.
 * @see @tensorflow/tfjs-node-gpu/dist/tfjs_binding.d.ts
 */
export interface Binding {
  TF_Version: string
  TF_FLOAT: number
  TF_INT32: number
  TF_STRING: number
  createTensor(shape: readonly number[], type: number, data: unknown): number
  deleteTensor(id: number): void
  tensorDataSync(id: number): Float32Array
  loadSavedModel(folder: string, tag: string): number
  deleteSavedModel(id: number): void
  runSavedModel(
    id: number,
    inputs: readonly number[],
    inputNames: string,
    outputNames: string,
  ): { id: number }[]
  isUsingGpuDevice(): boolean
  getNumOfTensors(): number
}

/** Loads the compiled addon, and with it libtensorflow. Its thread counts are read from the environment now. */
export function loadBinding(file: string): Binding {
  return createRequire(import.meta.url)(file)
}
