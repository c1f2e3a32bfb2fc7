import { createRequire } from 'node:module'
import path from 'node:path'
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm'
import * as tf from '@tensorflow/tfjs-core'
import type { Engine } from '../engine.ts'
import { openPortableSession } from './session.ts'

/**
 * The engine for machines without libtensorflow: tfjs-core on its wasm backend, one thread. It runs the same
 * programs from the same seeds as the others.
 */
export async function createPortableEngine(): Promise<Engine> {
  const backend = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm/package.json')
  setWasmPaths(path.join(path.dirname(backend), 'dist', path.sep))
  if (!(await tf.setBackend('wasm')))
    throw new Error('the wasm backend of TensorFlow.js cannot be initialised')
  await tf.ready()
  return {
    name: 'portable',
    device: 'cpu',
    versions: { tfjs: tf.version_core, node: process.versions.node },
    open: openPortableSession,
  }
}
