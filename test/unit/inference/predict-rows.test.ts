import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { predictRows } from '../../../src/inference/predict-rows.ts'
import { createPredictorCache } from '../../../src/inference/predictor-cache.ts'
import { createTurns } from '../../../src/inference/turns.ts'
import { buildInferenceProgram } from '../../../src/mlp/program.ts'
import { writeArtifact } from '../../../src/models/artifact.ts'
import type { StoredVersion } from '../../../src/models/repository.ts'
import type { BlobStore } from '../../../src/storage/blob-store.ts'
import { createDiskBlobStore } from '../../../src/storage/disk-blob-store.ts'
import { createCase, type ExportCase } from '../../helpers/exported-models.ts'

const ROWS = 2_000

/** Networks of the same size, so that each one's memory does for the other. */
async function storeModels() {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'trainyard-models-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const blobs = createDiskBlobStore(folder)
  const models = (['relu', 'tanh'] as const).map(async activation => {
    const made = createCase({
      layers: [
        { type: 'dense', units: 700, activation },
        { type: 'dense', units: 600, activation },
        { type: 'dense', units: 3, activation: 'softmax' },
      ],
    })
    const row = Float32Array.from(made.features.subarray(0, 12))
    return { version: await store(blobs, made), row, answer: Array.from(made.predictor.predict(row, 1)) }
  })
  return { blobs, models: await Promise.all(models) }
}

async function store(blobs: BlobStore, { model: { manifest, weights } }: ExportCase): Promise<StoredVersion> {
  const program = buildInferenceProgram({
    inputUnits: 12,
    inputScaling: { scale: 1 / 255, offset: 0 },
    network: manifest.network,
  })
  const artifact = await writeArtifact(blobs, program, weights, manifest)
  return { ...manifest, ...artifact } as unknown as StoredVersion
}

it('a model that makes room for another in the middle of a large request is loaded again', async () => {
  const { blobs, models } = await storeModels()
  const predictors = createPredictorCache(blobs, 1) // room for one, as there always is
  const deps = { predictors, turns: createTurns() }
  const answers = models.map(async ({ version, row }) => {
    const features = Float32Array.from({ length: ROWS * 12 }, (_, index) => row[index % 12] ?? 0)
    return predictRows(deps, version, { count: ROWS, features, failures: null })
  })
  for (const [index, outputs] of (await Promise.all(answers)).entries()) {
    for (let place = 0; place < outputs.length; place++) {
      expect(outputs[place]).toBe(models[index]?.answer[place % 3])
    }
  }
})

it('rows times outputs are bounded: what an answer says must fit into memory', async () => {
  const { blobs } = await storeModels()
  const version = await store(
    blobs,
    createCase({ layers: [{ type: 'dense', units: 2_000, activation: 'softmax' }] }),
  )
  const deps = { predictors: createPredictorCache(blobs, 1), turns: createTurns() }
  const countOutputs = async (count: number) =>
    (await predictRows(deps, version, { count, features: new Float32Array(count * 12), failures: null }))
      .length
  expect(await countOutputs(5_000)).toBe(10_000_000)
  await expect(countOutputs(5_001)).rejects.toMatchObject({
    code: 'INPUT_INVALID',
    message: expect.stringContaining('there may be 5000 rows for 2000 outputs; received 5001'),
  })
})

it('a predictor that was let go refuses to predict with memory that others have', async () => {
  const { blobs, models } = await storeModels()
  const [first, second] = models
  if (!first || !second) throw new Error('there are two models')
  const predictors = createPredictorCache(blobs, 1)
  const stale = await predictors.get(first.version)
  expect(Array.from(stale.predict(first.row, 1))).toEqual(first.answer)
  const next = await predictors.get(second.version)
  expect(() => stale.predict(first.row, 1)).toThrow('released')
  expect(Array.from(next.predict(second.row, 1))).toEqual(second.answer)
  expect(predictors.bytes).toBe(next.bytes)
})
