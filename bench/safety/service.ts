import { chmod, mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { type Client, createClient } from '../../launcher/quickstart/client.ts'
import { startEmbeddedPostgres } from '../../src/db/embedded-postgres.ts'
import { readBootstrapKey } from '../../src/http/api-keys.ts'
import { startApi } from '../api-process.ts'

/** An API and its database, and no worker. */
export interface BareService {
  url: string
  key: string
  databaseUrl: string
  client: Client
  /** A small dataset. */
  datasetId: string
  stop(): Promise<void>
}

/** Starts it with an empty folder, and uploads a table of a few rows. */
export async function startBareService(): Promise<BareService> {
  const dataDir = await mkdtemp(path.join(os.tmpdir(), 'trainyard-bench-'))
  await chmod(dataDir, 0o755) // as root, Postgres runs under another account
  const postgres = await startEmbeddedPostgres(path.join(dataDir, 'postgres'))
  Object.assign(process.env, { DATABASE_URL: postgres.url, TRAINYARD_DATA_DIR: dataDir, LOG_LEVEL: 'info' })
  const api = await startApi(dataDir)
  const { key } = await readBootstrapKey(dataDir, null)
  const client = createClient(api.url, key)
  const form = new FormData()
  form.set('name', 'points')
  form.set('target', 'side')
  const rows = Array.from({ length: 100 }, (_, x) => `${x},${x % 7},${x < 50 ? 'left' : 'right'}`)
  form.set('file', new Blob([`x,y,side\n${rows.join('\n')}\n`]), 'points.csv')
  const { id: datasetId } = await client.post<{ id: string }>('/v1/datasets', form)
  return {
    url: api.url,
    key,
    databaseUrl: postgres.url,
    client,
    datasetId,
    async stop() {
      await api.stop()
      await postgres.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** A job that is quickly told and quickly checked. */
export function smallJob(datasetId: string): object {
  const layers = [
    { type: 'dense', units: 8, activation: 'relu' },
    { type: 'dense', units: 2, activation: 'softmax' },
  ]
  return { name: 'points', datasetId, network: { layers }, training: { epochs: 10, seed: 1 } }
}
