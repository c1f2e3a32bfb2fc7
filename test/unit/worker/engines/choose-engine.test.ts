import { describe, expect, it } from 'vitest'
import { readConfig } from '../../../../src/config.ts'
import {
  chooseEngine,
  type EngineChoice,
  engineEnvironment,
} from '../../../../worker/engines/choose-engine.ts'
import { chooseGpus } from '../../../../worker/engines/tensorflow/locate.ts'

describe('the GPUs of a worker', () => {
  it.each<[string | null, string[]]>([
    [null, ['0', '1', '2', '3']],
    ['2,3', ['2', '3']],
    [' 1 , 0', ['1', '0']],
    ['GPU-8932f937-d72c-4106-c12f-20bd9faed9f6,0', ['GPU-8932f937-d72c-4106-c12f-20bd9faed9f6', '0']],
    ['0,-1,2', ['0']],
    ['1,7,2', ['1']],
    ['-1', []],
    ['', []],
    ['none', []],
  ])('with four there and CUDA_VISIBLE_DEVICES=%s', (visible, expected) => {
    expect(chooseGpus(4, visible)).toEqual(expected)
  })

  it('are none where there are none, whatever is said to be visible', () => {
    expect(chooseGpus(0, 'GPU-8932f937-d72c-4106-c12f-20bd9faed9f6')).toEqual([])
  })
})

describe('what an engine finds in its environment', () => {
  const gpu: EngineChoice = {
    ...{ engine: 'tensorflow', device: 'gpu', addon: '/a/tfjs_binding.node', threads: 1 },
    ...{ gpus: ['2', '3'], libraries: ['/a/cublas', '/a/cudnn'] },
  }

  it('is one GPU for each slot, exact products, and the libraries before those of the machine', () => {
    const first = engineEnvironment(gpu, 0, { LD_LIBRARY_PATH: '/usr/local/nvidia/lib64' })
    expect(first).toMatchObject({
      CUDA_VISIBLE_DEVICES: '2',
      NVIDIA_TF32_OVERRIDE: '0',
      TF_FORCE_GPU_ALLOW_GROWTH: 'true',
      LD_LIBRARY_PATH: '/a/cublas:/a/cudnn:/usr/local/nvidia/lib64',
    })
    expect(engineEnvironment(gpu, 1, {})).toMatchObject({
      CUDA_VISIBLE_DEVICES: '3',
      LD_LIBRARY_PATH: '/a/cublas:/a/cudnn',
    })
  })

  it('is no GPU, and a thread for each part of a batch, on the CPU', () => {
    const cpu: EngineChoice = {
      engine: 'tensorflow',
      device: 'cpu',
      addon: '/a/tfjs_binding.node',
      threads: 3,
    }
    expect(engineEnvironment(cpu, 0, {})).toEqual({
      ...{ TF_NUM_INTRAOP_THREADS: '1', TF_NUM_INTEROP_THREADS: '3', TF_CPP_MIN_LOG_LEVEL: '2' },
      CUDA_VISIBLE_DEVICES: '-1',
    })
    expect(engineEnvironment({ engine: 'portable', device: 'cpu' }, 0, {})).toEqual({})
  })
})

it('a GPU that was asked for and is hidden is an error, and without being asked for none is used', () => {
  const config = readConfig({ TRAINYARD_DEVICE: 'gpu', CUDA_VISIBLE_DEVICES: '-1' })
  expect(() => chooseEngine(config)).toThrow('TRAINYARD_DEVICE=gpu needs')
  expect(chooseEngine({ ...config, device: 'auto' }).device).toBe('cpu')
})
