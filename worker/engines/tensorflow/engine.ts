import type { Engine } from '../engine.ts'
import { loadBinding } from './binding.ts'
import { openTensorflowSession } from './session.ts'

/**
 * TensorFlow through the native binding of tfjs-node-gpu.
 * @param addon - see `findAddon`
 * @param threads - into how many parts a batch is cut; as many as TensorFlow's inter-op threads
 */
export function createTensorflowEngine(addon: string, threads: number): Engine {
  const binding = loadBinding(addon)
  return {
    name: 'tensorflow',
    device: binding.isUsingGpuDevice() ? 'gpu' : 'cpu',
    versions: { tensorflow: binding.TF_Version, node: process.versions.node, threads: String(threads) },
    open: (program, seed) => openTensorflowSession(binding, program, seed, threads),
  }
}
