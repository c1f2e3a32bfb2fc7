import os from 'node:os'
import type { Config } from '../../src/config.ts'
import type { Engine } from './engine.ts'
import { createPortableEngine } from './portable/engine.ts'
import { createTensorflowEngine } from './tensorflow/engine.ts'
import { findAddon } from './tensorflow/locate.ts'

/** What a worker's trainers compute with. */
export type EngineChoice =
  | { engine: 'portable'; device: 'cpu' }
  | { engine: 'tensorflow'; device: 'cpu'; addon: string; threads: number }

/** More threads than this share too little work in a step of a small network. */
const THREADS_MAX = 8

/**
 * The engine that the settings ask for, and that this machine has: with `auto` TensorFlow where it was set up.
 * @throws Error when it was asked for by name and is not there
 */
export function chooseEngine(config: Pick<Config, 'engine' | 'tensorflowDir' | 'workerSlots'>): EngineChoice {
  const addon = config.engine === 'portable' ? null : findAddon(config.tensorflowDir)
  if (addon) {
    const threads = Math.floor(os.availableParallelism() / config.workerSlots)
    return {
      engine: 'tensorflow',
      device: 'cpu',
      addon,
      threads: Math.min(Math.max(1, threads), THREADS_MAX),
    }
  }
  if (config.engine === 'tensorflow') {
    throw new Error(
      `TRAINYARD_ENGINE=tensorflow needs the libraries in ${config.tensorflowDir}: run npm run setup:tensorflow`,
    )
  }
  return { engine: 'portable', device: 'cpu' }
}

/** Loads the engine; in the trainer only. */
export async function openEngine(choice: EngineChoice): Promise<Engine> {
  return choice.engine === 'tensorflow'
    ? createTensorflowEngine(choice.addon, choice.threads)
    : createPortableEngine()
}

/**
 * The environment that TensorFlow reads as it is loaded: one thread inside an operation, `threads` operations at
 * once, which the shards of a batch keep busy.
 * @see tensorflow/core/common_runtime/process_util.cc
 */
export function engineEnvironment(choice: EngineChoice): Record<string, string> {
  if (choice.engine !== 'tensorflow') return {}
  return {
    TF_NUM_INTRAOP_THREADS: '1',
    TF_NUM_INTEROP_THREADS: String(choice.threads),
    TF_CPP_MIN_LOG_LEVEL: '2',
  }
}
