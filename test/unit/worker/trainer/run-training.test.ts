import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import type { CheckpointRecord } from '../../../../src/jobs/attempt-repository.ts'
import type { ActivationName } from '../../../../src/mlp/activations/registry.ts'
import type { LossName } from '../../../../src/mlp/losses/registry.ts'
import { type OptimizerSpec, resolveOptimizer } from '../../../../src/mlp/optimizers/registry.ts'
import { readArtifact } from '../../../../src/models/artifact.ts'
import { createDiskBlobStore } from '../../../../src/storage/disk-blob-store.ts'
import { createPortableEngine } from '../../../../worker/engines/portable/engine.ts'
import type { TrainerJob, TrainerMessage } from '../../../../worker/trainer/messages.ts'
import { runTraining } from '../../../../worker/trainer/run-training.ts'
import { createTestFolder } from '../../../helpers/folder.ts'
import { stripes } from '../../../helpers/idx.ts'

const engine = await createPortableEngine()

/** A stored dataset of striped images, and a job on it. */
async function createJob(
  change: {
    optimizer?: OptimizerSpec
    loss?: LossName
    hidden?: ActivationName
    scale?: number
    output?: ActivationName
  } = {},
) {
  const folder = await createTestFolder()
  const blobs = createDiskBlobStore(folder)
  const { images, labels } = stripes(100)
  const [features, classes] = [images.subarray(16), Int32Array.from(labels.subarray(8))]
  const kernelInitializer = 'glorotUniform' as const
  const job: TrainerJob = {
    jobId: 'job_1',
    dataDir: folder,
    checkpointSeconds: 1_000,
    dataset: {
      id: 'ds_1',
      sha256: 'f'.repeat(64),
      shape: [6, 6, 1],
      dtype: 'uint8',
      classes: ['top', 'second', 'third'],
      splits: {
        train: {
          examples: 100,
          classCounts: {},
          features: (await blobs.put(features)).sha256,
          labels: (await blobs.put(Buffer.from(classes.buffer))).sha256,
        },
      },
    },
    network: {
      layers: [
        { type: 'dense', units: 8, activation: change.hidden ?? 'tanh', kernelInitializer },
        { type: 'dense', units: 3, activation: change.output ?? 'softmax', kernelInitializer },
      ],
    },
    training: {
      epochs: 4,
      batchSize: 7,
      loss: change.loss ?? 'categoricalCrossentropy',
      optimizer: change.optimizer ?? resolveOptimizer({ type: 'adam', learningRate: 0.03 }),
      metrics: ['accuracy'],
      validation: { fraction: 0.2 },
      seed: 11,
      maxRuntimeSeconds: null,
    },
    preprocessing: { scale: change.scale ?? 1 / 255 },
    parameterCount: 37 * 8 + 9 * 3,
    checkpoints: [],
  }
  return { blobs, folder, job }
}

type Setup = Awaited<ReturnType<typeof createJob>>

/** Runs an attempt until its end, or until `stops` says so at a message; gives all that it sent. */
async function attempt(
  { blobs, job }: Setup,
  checkpoints: readonly CheckpointRecord[] = [],
  stops: (message: TrainerMessage) => boolean = () => false,
): Promise<TrainerMessage[]> {
  const sent: TrainerMessage[] = []
  let stopRequest: { checkpoint: boolean } | null = null
  const send = (message: TrainerMessage) => {
    sent.push(message)
    if (stops(message)) stopRequest = { checkpoint: true }
  }
  await runTraining({ engine, blobs, send, stopRequest: () => stopRequest }, { ...job, checkpoints })
  return sent
}

const find = <Type extends TrainerMessage['type']>(messages: readonly TrainerMessage[], type: Type) =>
  messages.filter((message): message is Extract<TrainerMessage, { type: Type }> => message.type === type)

const weightsOf = (messages: readonly TrainerMessage[]) =>
  find(messages, 'finished').map(({ artifact }) => artifact.files['weights.bin'])

const epochsOf = (messages: readonly TrainerMessage[]) =>
  find(messages, 'epoch').map(({ epoch: { epoch, step, metrics } }) => ({ epoch, step, metrics }))

const checkpointOf = (messages: readonly TrainerMessage[]) =>
  find(messages, 'checkpoint').flatMap(({ checkpoint }) => checkpoint)

const isProgress = ({ type }: TrainerMessage) => type === 'progress'

describe('a training', () => {
  it('that is stopped again and again and resumed ends exactly as one that never was', async () => {
    // Unscaled features make losses of very different sizes, whose sum must not depend on the stops.
    const setup = await createJob({ hidden: 'linear', scale: 1 })
    const whole = await attempt(setup)
    const parts: TrainerMessage[][] = []
    let checkpoints: CheckpointRecord[] = []
    // Over the end of the first two epochs, one step into the next, then five single steps.
    for (let stop = 0; stop < 2; stop++) {
      let isOver = false
      parts.push(
        await resumeUntil(message => {
          const stops = isOver && isProgress(message)
          isOver ||= message.type === 'epoch'
          return stops
        }),
      )
    }
    for (let stop = 0; stop < 5; stop++) parts.push(await resumeUntil(isProgress))
    parts.push(await attempt(setup, checkpoints))
    const steps = parts.flatMap(checkpointOf).map(({ step }) => step)
    expect(steps).toEqual([13, 25, 26, 27, 28, 29, 30]) // an epoch has 12 steps: 80 examples by 7
    expect(epochsOf(parts.flat())).toEqual(epochsOf(whole))
    expect(epochsOf(whole).map(({ step }) => step)).toEqual([12, 24, 36, 48])
    expect(weightsOf(parts.flat())).toEqual(weightsOf(whole))
    expect(find(parts.flat(), 'finished')[0]?.evaluation).toEqual(find(whole, 'finished')[0]?.evaluation)

    async function resumeUntil(stops: (message: TrainerMessage) => boolean) {
      const part = await attempt(setup, checkpoints, stops)
      checkpoints = checkpointOf(part)
      expect(part.at(-1)).toEqual({ type: 'stopped' })
      expect(checkpoints).toHaveLength(1)
      return part
    }
  })

  it.each([
    ['damaged', (file: string) => writeFile(file, 'not what it was')],
    ['missing', (file: string) => rm(file)],
  ])('goes on from the checkpoint before when the newest is %s', async (_, spoil) => {
    const setup = await createJob()
    const whole = await attempt(setup)
    const older = checkpointOf(await attempt(setup, [], isProgress))
    const newest = checkpointOf(await attempt(setup, older, isProgress))
    const sha256 = newest[0]?.sha256 ?? ''
    await spoil(path.join(setup.folder, 'blobs', sha256.slice(0, 2), sha256))
    const resumed = await attempt(setup, [...newest, ...older])
    expect(newest[0]?.step).toBe(2)
    expect(find(resumed, 'progress')[0]?.progress.step).toBe(2) // one step after the older checkpoint
    expect(weightsOf(resumed)).toEqual(weightsOf(whole))
  })

  it('learns, and stores a model whose metrics are those of its evaluation', async () => {
    const setup = await createJob()
    const [finished] = find(await attempt(setup), 'finished')
    if (!finished) throw new Error('the training has finished')
    const { artifact, description, evaluation } = finished
    expect(evaluation).toMatchObject({ split: 'validation', examples: 20, metrics: { accuracy: 1 } })
    expect(description.metrics).toEqual({ loss: evaluation?.loss, accuracy: 1 })
    const { manifest, weights } = await readArtifact(setup.blobs, artifact.files)
    expect(manifest).toMatchObject({ jobId: 'job_1', kind: 'classification', training: { seed: 11 } })
    expect([...weights.keys()]).toEqual(['dense_1/kernel', 'dense_1/bias', 'dense_2/kernel', 'dense_2/bias'])
  })

  it('stops without a checkpoint when none is asked for', async () => {
    const { blobs, job } = await createJob()
    const sent: TrainerMessage[] = []
    const send = (message: TrainerMessage) => void sent.push(message)
    const stopRequest = () => (sent.some(isProgress) ? { checkpoint: false } : null)
    await runTraining({ engine, blobs, send, stopRequest }, job)
    expect(sent.map(({ type }) => type)).toEqual(['progress', 'stopped'])
  })

  it.each([
    ['tanh', 'linear'],
    ['relu', 'linear'],
    ['linear', 'linear'],
  ] as const)(
    'of %s and %s with a learning rate of a billion fails with TRAINING_DIVERGED',
    async (hidden, output) => {
      const optimizer = resolveOptimizer({ type: 'sgd', learningRate: 1e9 })
      const setup = await createJob({ optimizer, loss: 'meanSquaredError', hidden, output })
      await expect(attempt(setup)).rejects.toMatchObject({
        code: 'TRAINING_DIVERGED',
        message: expect.stringContaining('smaller learning rate than 1000000000'),
      })
    },
  )
})
