import { readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import pg from 'pg'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { releaseAfterFile } from '../helpers/release.ts'
import { type Json, startProcess, startTestService, TEST_KEY, type TestService } from '../helpers/service.ts'
import { BAD, GOOD, send, trainVersion } from '../helpers/trained-model.ts'
import { until } from '../helpers/until.ts'

const MODEL = '/v1/models/stripes'
const release = releaseAfterFile()
let service: TestService
let datasetId: string
let examples: { features: number[]; label: string }[]

/** Versions 1 and 3 are good, 2 guesses. */
beforeAll(async () => {
  service = await startTestService({ release })
  await service.startWorker()
  datasetId = await service.uploadStripes()
  await trainVersion(service, datasetId, GOOD)
  await trainVersion(service, datasetId, BAD)
  await trainVersion(service, datasetId, { ...GOOD, seed: 3 })
  examples = (await service.json(`/v1/datasets/${datasetId}/examples?split=test&limit=30`)).data
})

const setAlias = async (alias: string, body: object) => {
  const [status, moved] = await send(service, 'PUT', `${MODEL}/aliases/${alias}`, body)
  if (status !== 200) throw new Error(JSON.stringify(moved))
  return moved
}

/** So that no model is in memory: the newest version is loaded as soon as it is there. */
const restartApi = async () => {
  await service.api.end('SIGTERM')
  await service.startApi()
}

const instancesOf = (count = 1) => ({ instances: examples.slice(0, count).map(({ features }) => features) })

async function predict(where: string, body: object, session?: string, url = service.url): Promise<Json> {
  const response = await fetch(`${url}${MODEL}${where}/predict`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: {
      authorization: `Bearer ${TEST_KEY}`,
      'content-type': 'application/json',
      ...(session !== undefined && { 'x-trainyard-session': session }),
    },
  })
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
  return (await response.json()) as Json
}

const traffic = async (alias: string) => service.json(`${MODEL}/aliases/${alias}/traffic`)

/** The traffic once so many requests are written. */
const settled = (alias: string, requests: number, role = 'answer') =>
  until(
    async () => {
      const found = await traffic(alias)
      const rows = (found.versions as Json[]).filter(row => row.role === role)
      return rows.reduce((sum, row) => sum + row.requests, 0) === requests ? found : null
    },
    { what: `${requests} counted requests` },
  )

describe('an alias that is split', () => {
  const targets = (old: number, young: number) => ({
    targets: [
      { version: 1, weight: old },
      { version: 3, weight: young },
    ],
  })

  it('answers each session with one version, in every process, by the weights, and says which', async () => {
    await setAlias('sticky', targets(80, 20))
    const api = startProcess('src/server', service.environment, onTestFinished)
    const url = await until(() => /"url":"([^"]+)"/.exec(api.output())?.[1], { what: 'a ready API' })
    const sessions = Array.from({ length: 100 }, (_, index) => `session ${index}`)
    const versions = new Map<string, number>()
    for (const session of sessions) {
      const [here, there] = await Promise.all([
        predict('/aliases/sticky', instancesOf(), session),
        predict('/aliases/sticky', instancesOf(), session, url),
      ])
      expect(there.model).toEqual(here.model)
      versions.set(session, here.model.version)
    }
    const young = [...versions.values()].filter(version => version === 3).length
    expect(young).toBeGreaterThan(8) // 20 expected; the sessions are the same in every run
    expect(young).toBeLessThan(32)
    await api.end('SIGTERM') // writes what it counted
    const { versions: counted } = await settled('sticky', 200)
    expect(counted.map(({ version, requests }: Json) => [version, requests])).toEqual([
      [1, 2 * (100 - young)],
      [3, 2 * young],
    ])
    for (const { latencyMs, failures, share, requests, comparison } of counted) {
      expect([failures, share, comparison]).toEqual([0, requests / 200, null])
      expect(latencyMs.mean).toBeGreaterThan(0)
      expect(latencyMs.p50).toBeGreaterThan(0)
      expect(latencyMs.p99).toBeGreaterThanOrEqual(latencyMs.p50)
    }
    await setAlias('sticky', targets(50, 50)) // who has the new one keeps it
    for (const [session, version] of versions) {
      if (version !== 3) continue
      expect((await predict('/aliases/sticky', instancesOf(), session)).model.version).toBe(3)
    }
    const { versions: anew } = await settled('sticky', young)
    expect(anew).toMatchObject([{ version: 3, requests: young }]) // counts begin with the move
  })

  it('answers by chance without a session', async () => {
    await setAlias('chance', targets(50, 50))
    const seen = new Set<number>()
    for (let asked = 0; asked < 60; asked++) {
      seen.add((await predict('/aliases/chance', instancesOf())).model.version)
    }
    expect([...seen].sort()).toEqual([1, 3]) // the odds against it are 2⁵⁹ to one
  })

  it('is what production means without a name, and an explicit version counts for no alias', async () => {
    await setAlias('production', targets(1, 1_000_000))
    expect((await predict('', instancesOf(7), 'a session')).model.version).toBe(3)
    await predict('/versions/1', instancesOf())
    const { versions } = await settled('production', 1)
    expect(versions).toMatchObject([{ version: 3, requests: 1, predictions: 7 }])
    await send(service, 'DELETE', `${MODEL}/aliases/production`)
  })

  it('tells its versions and its targets', async () => {
    const moved = await setAlias('told', { ...targets(30, 70), shadow: 2 })
    expect(moved).toMatchObject({ version: 3, ...targets(30, 70), shadow: 2 })
    expect(await service.json(`${MODEL}/aliases/told`)).toMatchObject({
      version: 3,
      ...targets(30, 70),
      shadow: 2,
    })
    expect((await service.json(MODEL)).aliases.told).toBe(3)
  })
})

describe('a shadow', () => {
  it('computes the same besides, and its agreement is that of the two versions', async () => {
    await setAlias('watched', { version: 1, shadow: 2 })
    const [ofA, ofB] = [
      await predict('/versions/1', instancesOf(30)),
      await predict('/versions/2', instancesOf(30)),
    ]
    const labels = (answer: Json) => answer.predictions.map(({ label }: Json) => label)
    const same = labels(ofA).filter((label: string, index: number) => label === labels(ofB)[index]).length
    expect(same).toBeLessThan(25)
    expect(await predict('/aliases/watched', instancesOf(30))).toEqual(ofA)
    const { versions } = await settled('watched', 1, 'shadow')
    expect(versions).toMatchObject([
      { version: 1, role: 'answer', requests: 1, predictions: 30, comparison: null },
      {
        version: 2,
        role: 'shadow',
        requests: 1,
        share: null,
        comparison: { compared: 30, agreed: same, agreement: same / 30, dropped: 0 },
      },
    ])
  })

  it('sees the first 64 rows of a large request', async () => {
    await setAlias('large', { version: 1, shadow: 3 })
    const instances = Array.from({ length: 200 }, (_, index) => examples[index % 30]?.features)
    expect((await predict('/aliases/large', { instances })).predictions).toHaveLength(200)
    const { versions } = await settled('large', 1, 'shadow')
    expect(versions[1].comparison.compared).toBe(64)
    expect(versions[1].comparison.agreement).toBeGreaterThan(0.8)
  })

  it('that cannot be read fails nobody but itself', async () => {
    const version = await trainVersion(service, datasetId, { ...GOOD, seed: 9 })
    const client = new pg.Client({ connectionString: service.databaseUrl })
    await client.connect()
    onTestFinished(() => client.end())
    const { rows } = await client.query('SELECT files FROM model_versions WHERE version = $1', [version])
    const sha256 = rows[0].files['weights.bin'] as string
    const folder = path.join(service.dataDir, 'blobs', sha256.slice(0, 2))
    expect(await readdir(folder)).toContain(sha256)
    await setAlias('broken', { version: 1, shadow: version })
    await rm(path.join(folder, sha256))
    await restartApi()
    for (let asked = 0; asked < 5; asked++) await predict('/aliases/broken', instancesOf())
    const { versions } = await settled('broken', 5, 'shadow')
    expect(versions).toMatchObject([
      { version: 1, requests: 5, failures: 0 },
      { version, role: 'shadow', failures: 5, comparison: { compared: 0, agreement: null } },
    ])
  })
})

it('requests that fail on our side are counted as failures, those of the client not at all', async () => {
  const version = await trainVersion(service, datasetId, { ...GOOD, seed: 11 })
  const [, { files }] = await send(service, 'GET', `${MODEL}/versions/${version}`)
  expect(files).toBe(undefined) // inner matters stay inside
  const client = new pg.Client({ connectionString: service.databaseUrl })
  await client.connect()
  onTestFinished(() => client.end())
  const { rows } = await client.query('SELECT files FROM model_versions WHERE version = $1', [version])
  await setAlias('failing', { version })
  const where = `${MODEL}/aliases/failing/predict`
  expect((await send(service, 'POST', where, { instances: [[1]] }))[0]).toBe(422)
  const sha256 = rows[0].files['weights.bin'] as string
  await rm(path.join(service.dataDir, 'blobs', sha256.slice(0, 2), sha256))
  await restartApi()
  expect((await send(service, 'POST', where, instancesOf()))[0]).toBe(503)
  const { versions } = await settled('failing', 1)
  expect(versions).toMatchObject([{ requests: 1, failures: 1, predictions: 0, latencyMs: { p50: null } }])
})

it('the traffic of an alias that is not there is a 404', async () => {
  const [status, refusal] = await send(service, 'GET', `${MODEL}/aliases/none/traffic`)
  expect([status, refusal.code]).toEqual([404, 'ALIAS_NOT_FOUND'])
})
