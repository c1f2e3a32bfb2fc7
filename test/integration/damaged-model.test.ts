import { readFile, rm, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { createPredictorCache } from '../../src/inference/predictor-cache.ts'
import type { ArtifactFile } from '../../src/models/artifact.ts'
import { createDiskBlobStore } from '../../src/storage/disk-blob-store.ts'
import { releaseAfterFile } from '../helpers/release.ts'
import { type Json, startTestService, type TestService } from '../helpers/service.ts'

interface Version {
  sha256: string
  files: Record<ArtifactFile, string>
}

const release = releaseAfterFile()
let service: TestService
let good: Version
let bad: Version

beforeAll(async () => {
  service = await startTestService({ release })
  await service.startWorker()
  const datasetId = await service.uploadStripes()
  for (const seed of [1, 2]) {
    const id = await service.submit(datasetId, { training: { epochs: 1, seed } })
    await service.untilJob(id, ({ status }) => status === 'succeeded')
  }
  const client = new pg.Client({ connectionString: service.databaseUrl })
  await client.connect()
  const { rows } = await client.query('SELECT sha256, files FROM model_versions ORDER BY version')
  await client.end()
  ;[good, bad] = rows as [Version, Version]
})

const fileOf = (sha256: string) => path.join(service.dataDir, 'blobs', sha256.slice(0, 2), sha256)

function predict(place: string): Promise<Response> {
  return service.request(`/v1/models/stripes${place}/predict`, {
    method: 'POST',
    body: JSON.stringify({ instances: [Array(36).fill(9)] }),
    headers: { 'content-type': 'application/json' },
  })
}

const DAMAGES: [string, (file: string, content: Buffer) => Promise<void>][] = [
  [
    'with one bit flipped',
    (file, content) => {
      const copy = Buffer.from(content)
      copy[copy.length >> 1] = (copy[copy.length >> 1] ?? 0) ^ 1
      return writeFile(file, copy)
    },
  ],
  ['cut off', file => truncate(file, 10)],
  ['empty', file => truncate(file, 0)],
  ['deleted', file => rm(file)],
]

const CASES = (['weights.bin', 'manifest.json'] as const).flatMap(file =>
  DAMAGES.map(([how, damage]) => ({ file, how, damage })),
)

describe('a version whose files are damaged', () => {
  it.each(CASES)('($file, $how) gets 503, and the others go on', async ({ file, damage }) => {
    const before = (await (await predict('/versions/1')).json()) as Json
    const place = fileOf(bad.files[file])
    const content = await readFile(place)
    try {
      await damage(place, content)
      for (const reference of ['', '/versions/2', '/aliases/latest']) {
        const refused = await predict(reference)
        expect([refused.status, ((await refused.json()) as Json).code]).toEqual([503, 'MODEL_DAMAGED'])
      }
      const artifact = await service.request('/v1/models/stripes/versions/2/artifact')
      expect([artifact.status, ((await artifact.json()) as Json).code]).toEqual([503, 'MODEL_DAMAGED'])
      const answer = await predict('/versions/1')
      expect([answer.status, await answer.json()]).toEqual([200, before])
      expect((await service.request('/v1/models/stripes/versions/1/artifact')).status).toBe(200)
      expect((await service.request('/readyz')).status).toBe(200)
    } finally {
      await writeFile(place, content)
    }
  })

  it('answers again when its files are back, without a restart', async () => {
    expect((await predict('/versions/2')).status).toBe(200)
  })
})

it('a damaged version neither evicts nor replaces a good one, even where there is room for one only', async () => {
  const predictors = createPredictorCache(createDiskBlobStore(service.dataDir), 1)
  const kept = await predictors.get(good)
  const place = fileOf(bad.files['weights.bin'])
  const content = await readFile(place)
  await truncate(place, 10)
  await expect(predictors.get(bad)).rejects.toMatchObject({ code: 'MODEL_DAMAGED' })
  expect(await predictors.get(good)).toBe(kept)
  await writeFile(place, content)
  await predictors.get(bad)
  expect(await predictors.get(good)).not.toBe(kept) // there really was room for one
})
