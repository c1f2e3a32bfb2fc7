import pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { hashKey } from '../../src/http/api-keys.ts'
import { releaseAfterFile } from '../helpers/release.ts'
import { type Json, startTestService, TEST_KEY, type TestService } from '../helpers/service.ts'
import { openSeverableRoute, type SeverableRoute } from '../helpers/severable.ts'
import { until } from '../helpers/until.ts'

/** What every process must see a change in. */
const SEEN_MS = 1_000
const OTHER_KEY = 'ty_test_another_key_of_this_service'

const release = releaseAfterFile()
let service: TestService
let client: pg.Client
let otherUrl: string
let route: SeverableRoute

beforeAll(async () => {
  service = await startTestService({ release })
  await service.startWorker()
  const datasetId = await service.uploadStripes()
  for (const seed of [1, 2, 3]) {
    const id = await service.submit(datasetId, { training: { epochs: 1, seed } })
    await service.untilJob(id, ({ status }) => status === 'succeeded')
  }
  route = await openSeverableRoute(service.databaseUrl)
  release(() => route.close())
  otherUrl = (await service.startOtherApi({ DATABASE_URL: route.url })).url
  client = new pg.Client({ connectionString: service.databaseUrl })
  await client.connect()
  release(() => client.end())
  await client.query(`INSERT INTO api_keys (id, name, sha256) VALUES ('key_other', 'other', $1)`, [
    hashKey(OTHER_KEY),
  ])
})

async function predict(place: string, { url = otherUrl, key = TEST_KEY } = {}): Promise<Json> {
  const response = await fetch(`${url}/v1/models/stripes${place}/predict`, {
    method: 'POST',
    body: JSON.stringify({ instances: [Array(36).fill(9)] }),
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
  })
  const body = (await response.json()) as Json
  return { status: response.status, code: body.code, version: body.model?.version }
}

const setAlias = (alias: string, version: number) =>
  service.json(`/v1/models/stripes/aliases/${alias}`, {
    method: 'PUT',
    body: JSON.stringify({ version }),
    headers: { 'content-type': 'application/json' },
  })

const seen = (what: string, condition: () => Promise<boolean>) =>
  until(condition, { timeoutMs: SEEN_MS, what })

describe('another process sees within a second', () => {
  it('an alias that is set, moved and removed', async () => {
    expect(await predict('/aliases/blue')).toMatchObject({ status: 404, code: 'ALIAS_NOT_FOUND' })
    for (const version of [1, 2, 1]) {
      await setAlias('blue', version)
      await seen(`version ${version}`, async () => (await predict('/aliases/blue')).version === version)
    }
    await service.request('/v1/models/stripes/aliases/blue', { method: 'DELETE' })
    await seen('no alias', async () => (await predict('/aliases/blue')).code === 'ALIAS_NOT_FOUND')
  })

  it('what a prediction without alias means', async () => {
    expect((await predict('')).version).toBe(3)
    await setAlias('production', 1)
    await seen('production', async () => (await predict('')).version === 1)
    await service.request('/v1/models/stripes/aliases/production', { method: 'DELETE' })
    await seen('the newest', async () => (await predict('')).version === 3)
  })

  it('a version that is deleted', async () => {
    expect((await predict('/versions/3')).status).toBe(200)
    expect((await predict('/aliases/latest')).version).toBe(3)
    await service.request('/v1/models/stripes/versions/3', { method: 'DELETE' })
    await seen('404', async () => (await predict('/versions/3')).code === 'MODEL_VERSION_NOT_FOUND')
    await seen('the one before', async () => (await predict('/aliases/latest')).version === 2)
  })

  it('a key that is revoked, also by hand in the database', async () => {
    expect((await predict('', { key: OTHER_KEY })).status).toBe(200)
    await client.query(`UPDATE api_keys SET revoked_at = now() WHERE id = 'key_other'`)
    await seen('401', async () => (await predict('', { key: OTHER_KEY })).status === 401)
    await client.query(`UPDATE api_keys SET revoked_at = NULL WHERE id = 'key_other'`)
    expect((await predict('', { key: OTHER_KEY })).status).toBe(200)
  })

  it('a change that came while it could not listen', async () => {
    await setAlias('green', 1)
    expect((await predict('/aliases/green')).version).toBe(1)
    route.cut()
    await setAlias('green', 2)
    route.mend()
    await seen('version 2', async () => (await predict('/aliases/green')).version === 2)
  })
})

it('a known prediction needs no query', async () => {
  await predict('', { key: OTHER_KEY })
  await client.query('SELECT pg_stat_reset()')
  const calls = async () => {
    await client.query('SELECT pg_stat_force_next_flush()')
    const { rows } = await client.query(
      `SELECT coalesce(sum(seq_scan + idx_scan), 0)::int AS scans FROM pg_stat_user_tables
       WHERE relname IN ('models', 'model_versions', 'aliases', 'api_keys')`,
    )
    return rows[0].scans as number
  }
  const before = await calls()
  for (let count = 0; count < 20; count++) expect((await predict('')).status).toBe(200)
  expect(await calls()).toBe(before)
})

it('predictions go on while the database is away for a moment', async () => {
  await predict('/versions/1')
  route.cut()
  try {
    for (let count = 0; count < 5; count++) expect((await predict('/versions/1')).status).toBe(200)
    expect(await predict('/versions/77')).toMatchObject({ status: 503, code: 'DATABASE_UNAVAILABLE' })
  } finally {
    route.mend()
  }
  await until(async () => (await predict('/versions/77')).status === 404)
})
