import { openSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { type Client, createClient } from '../../launcher/quickstart/client.ts'
import { MNIST_NETWORK, MNIST_TRAINING, readMnistForm } from '../../launcher/quickstart/mnist.ts'
import { startService } from '../../launcher/service.ts'
import { readConfig } from '../../src/config.ts'
import { startEmbeddedPostgres } from '../../src/db/embedded-postgres.ts'
import { readBootstrapKey } from '../../src/http/api-keys.ts'

/** The whole service as its users have it: keys, log and counters on; Postgres its own. */
export interface BenchService {
  url: string
  key: string
  databaseUrl: string
  dataDir: string
  client: Client
  /** The MNIST dataset, and the files and pixels of some test images. */
  digits: { datasetId: string; files: Buffer[]; pixels: number[][] }
  /** Trains the next version of a model on MNIST. @returns its number */
  train(name: string, training?: object): Promise<number>
  stop(): Promise<void>
}

const SAMPLES = 64

/** Starts it with an empty folder, and uploads MNIST. Its log goes into a file, as in a deployment. */
export async function startBenchService(): Promise<BenchService> {
  const dataDir = await mkdtemp(path.join(os.tmpdir(), 'trainyard-bench-'))
  await chmod(dataDir, 0o755)
  const postgres = await startEmbeddedPostgres(path.join(dataDir, 'postgres'))
  const environment = { TRAINYARD_DATA_DIR: dataDir, DATABASE_URL: postgres.url, PORT: '0' }
  Object.assign(process.env, environment, { LOG_LEVEL: 'info' })
  const config = { ...readConfig(environment), apiKey: null }
  const service = await startService(config, openSync(path.join(dataDir, 'service.log'), 'a'), () => {})
  const { key } = await readBootstrapKey(dataDir, null)
  const client = createClient(service.url, key)
  const { id: datasetId } = await client.post<{ id: string }>('/v1/datasets', await readMnistForm('mnist'))
  const examples = `/v1/datasets/${datasetId}/examples`
  const { data } = await client.get<{ data: { index: number; features: number[] }[] }>(
    `${examples}?split=test&limit=${SAMPLES}`,
  )
  const files = await Promise.all(
    data.map(({ index }) => client.download(`${examples}/${index}/image.png?split=test`)),
  )
  return {
    url: service.url,
    key,
    databaseUrl: postgres.url,
    dataDir,
    client,
    digits: { datasetId, files, pixels: data.map(({ features }) => features.flat(2)) },
    async train(name, training = {}) {
      const { id } = await client.post<{ id: string }>('/v1/jobs', {
        name,
        datasetId,
        network: MNIST_NETWORK,
        training: { ...MNIST_TRAINING, ...training },
      })
      for (;;) {
        const job = await client.get<{ status: string; modelVersion: number; error: unknown }>(
          `/v1/jobs/${id}?waitSeconds=30`,
        )
        if (job.status === 'succeeded') return job.modelVersion
        if (!['queued', 'running'].includes(job.status)) throw new Error(JSON.stringify(job.error))
      }
    },
    async stop() {
      await service.stop()
      await postgres.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
