import { createDatabase } from '../../src/db/client.ts'
import { isModelVariable } from '../../src/mlp/graph.ts'
import { buildInferenceProgram } from '../../src/mlp/program.ts'
import { createRandom } from '../../src/mlp/random.ts'
import { readArtifact, writeArtifact } from '../../src/models/artifact.ts'
import { insertVersion, resolveVersion } from '../../src/models/repository.ts'
import { createDiskBlobStore } from '../../src/storage/disk-blob-store.ts'
import { type LoadResult, sendLoad } from '../load.ts'
import { apiMemory } from './memory.ts'
import type { BenchService } from './service.ts'

/** A service that serves more models than it keeps in memory. */
export interface Rotation extends LoadResult {
  models: number
  megabytesEach: number
  memoryBeforeBytes: number
  memoryAfterBytes: number
}

const CONNECTIONS = 4

/**
 * Asks many models in turn, each for one prediction at a time: with more models than the cache holds, every request finds
 * its model gone, which is the worst that can be. The models are networks of random weights, stored as trained ones are.
 */
export async function measureRotation(
  service: BenchService,
  { models, seconds }: { models: number; seconds: number },
): Promise<Rotation> {
  const bytes = await storeModels(service, models)
  const body = Buffer.from(JSON.stringify({ instances: service.digits.pixels.slice(0, 1) }))
  const headers = { authorization: `Bearer ${service.key}`, 'content-type': 'application/json' }
  const requests = Array.from({ length: models }, (_, index) => ({
    path: `/v1/models/${nameOf(index)}/predict`,
    headers,
    body,
  }))
  const memoryBeforeBytes = apiMemory(service.dataDir)
  const result = await sendLoad({ url: service.url, connections: CONNECTIONS, seconds, requests })
  return {
    ...result,
    models,
    megabytesEach: bytes / 2 ** 20,
    memoryBeforeBytes,
    memoryAfterBytes: apiMemory(service.dataDir),
  }
}

const nameOf = (index: number) => `customer-${index}`

/** Stores models of random weights. @returns bytes of one */
export async function storeModels(service: BenchService, models: number): Promise<number> {
  const db = createDatabase({ url: service.databaseUrl, poolSize: 2, onError: () => {} })
  const blobs = createDiskBlobStore(service.dataDir)
  try {
    const { files } = await resolveVersion(db, 'digits', {})
    const { manifest } = await readArtifact(blobs, files)
    const program = buildInferenceProgram({
      inputUnits: 784,
      inputScaling: { scale: 1 / 255, offset: 0 },
      network: manifest.network,
    })
    const variables = program.variables.filter(isModelVariable)
    let bytes = 0
    for (let index = 0; index < models; index++) {
      const weights = new Map(
        variables.map(variable => [variable.name, variable.initialize(createRandom(index, variable.name))]),
      )
      const artifact = await writeArtifact(blobs, program, weights, { ...manifest, jobId: `bench-${index}` })
      await insertVersion(db, nameOf(index), artifact, { ...manifest, jobId: `bench-${index}` })
      bytes = artifact.bytes
    }
    return bytes
  } finally {
    await db.$disconnect()
  }
}
