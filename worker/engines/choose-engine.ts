import os from 'node:os'
import type { Config } from '../../src/config.ts'
import type { Engine } from './engine.ts'
import { createPortableEngine } from './portable/engine.ts'
import { createTensorflowEngine } from './tensorflow/engine.ts'
import { chooseGpus, countGpus, findAddon, findCudaLibraries } from './tensorflow/locate.ts'

/** What a worker's trainers compute with. */
export type EngineChoice =
  | { engine: 'portable'; device: 'cpu' }
  | { engine: 'tensorflow'; device: 'cpu'; addon: string; threads: number }
  | { engine: 'tensorflow'; device: 'gpu'; addon: string; threads: 1; gpus: string[]; libraries: string[] }

/** More threads than this share too little work in a step of a small network. */
const THREADS_MAX = 8

/**
 * The engine and the device that the settings ask for, and that this machine has: with `auto` TensorFlow where it was
 * set up, and GPUs where it was set up for them and there is one for each slot.
 * @throws Error when something was asked for by name and is not there
 */
export function chooseEngine(
  config: Pick<Config, 'engine' | 'device' | 'visibleGpus' | 'tensorflowDir' | 'workerSlots'>,
): EngineChoice {
  const addon = config.engine === 'portable' ? null : findAddon(config.tensorflowDir)
  const gpuCount = addon && config.device !== 'cpu' ? countGpus() : 0
  const gpus = chooseGpus(gpuCount, config.visibleGpus)
  const libraries = findCudaLibraries(config.tensorflowDir)
  const isReady = addon !== null && gpus.length > 0 && libraries.length > 0
  if (isReady && config.workerSlots <= gpus.length) {
    return { engine: 'tensorflow', device: 'gpu', addon, threads: 1, gpus, libraries }
  }
  if (config.device === 'gpu') {
    throw new Error(isReady ? tooManySlots(config.workerSlots, gpus.length) : noGpu(config, gpus.length))
  }
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

function tooManySlots(slots: number, gpus: number): string {
  return `TRAINYARD_WORKER_SLOTS must be at most the number of GPUs, ${gpus}, for each trains one job; received ${slots}`
}

function noGpu({ tensorflowDir }: Pick<Config, 'tensorflowDir'>, gpus: number): string {
  return gpus === 0
    ? 'TRAINYARD_DEVICE=gpu needs the TensorFlow engine and an NVIDIA GPU that CUDA_VISIBLE_DEVICES does not hide; there is none here'
    : `TRAINYARD_DEVICE=gpu needs the CUDA libraries in ${tensorflowDir}: run npm run setup:tensorflow`
}

/** Loads the engine; in the trainer only. */
export async function openEngine(choice: EngineChoice): Promise<Engine> {
  return choice.engine === 'tensorflow'
    ? createTensorflowEngine(choice.addon, choice.threads)
    : createPortableEngine()
}

/**
 * The environment that TensorFlow reads as it is loaded: one thread inside an operation, `threads` operations at
 * once, which the shards of a batch keep busy; on a GPU the one that it sees, of whose memory it takes what it needs.
 * There float32 is computed as float32: by default TensorFlow rounds the factors of its products to TF32's 10 bits.
 * @param slot - of the worker: each has a GPU of its own
 * @param inherited - the environment of this process
 * @see tensorflow/core/common_runtime/process_util.cc; "Use a GPU" in TensorFlow's guide; "cuBLAS", `NVIDIA_TF32_OVERRIDE`
 */
export function engineEnvironment(
  choice: EngineChoice,
  slot: number,
  inherited: NodeJS.ProcessEnv,
): Record<string, string> {
  if (choice.engine !== 'tensorflow') return {}
  const common = { TF_NUM_INTRAOP_THREADS: '1', TF_CPP_MIN_LOG_LEVEL: '2' }
  if (choice.device === 'cpu') {
    return { ...common, TF_NUM_INTEROP_THREADS: String(choice.threads), CUDA_VISIBLE_DEVICES: '-1' }
  }
  const { LD_LIBRARY_PATH } = inherited
  return {
    ...common,
    TF_NUM_INTEROP_THREADS: '2',
    CUDA_VISIBLE_DEVICES: choice.gpus[slot % choice.gpus.length] ?? '-1',
    TF_FORCE_GPU_ALLOW_GROWTH: 'true',
    NVIDIA_TF32_OVERRIDE: '0',
    LD_LIBRARY_PATH: [...choice.libraries, ...(LD_LIBRARY_PATH ? [LD_LIBRARY_PATH] : [])].join(':'),
  }
}
