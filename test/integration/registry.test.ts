import pg from 'pg'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { stripes } from '../helpers/idx.ts'
import { releaseAfterFile } from '../helpers/release.ts'
import { type Json, startTestService, type TestService } from '../helpers/service.ts'
import { BAD, GOOD, send, trainVersion } from '../helpers/trained-model.ts'
import { until } from '../helpers/until.ts'

const MODEL = '/v1/models/stripes'
const release = releaseAfterFile()
let service: TestService
let datasetId: string
let other: { datasetId: string }

/** Versions 1 (good), 2 (guesses), 3 (good, another seed), 4 (good, other test examples). */
beforeAll(async () => {
  service = await startTestService({ release })
  await service.startWorker()
  datasetId = await service.uploadStripes()
  await trainVersion(service, datasetId, GOOD)
  await trainVersion(service, datasetId, BAD)
  await trainVersion(service, datasetId, { ...GOOD, seed: 3 })
  other = { datasetId: await uploadOther() }
  await trainVersion(service, other.datasetId, GOOD)
})

/** The same training examples with other test examples. */
async function uploadOther(): Promise<string> {
  const form = new FormData()
  form.set('name', 'stripes')
  for (const [part, seed, count] of [['train', 1, 90] as const, ['test', 7, 30] as const]) {
    const { images, labels } = stripes(count, 3, 6, seed)
    form.set(`${part}Images`, new Blob([new Uint8Array(images)]), 'images')
    form.set(`${part}Labels`, new Blob([new Uint8Array(labels)]), 'labels')
  }
  return (await service.json('/v1/datasets', { method: 'POST', body: form })).id
}

const ask = (method: string, where: string, body?: object, headers?: Record<string, string>) =>
  send(service, method, where, body, headers)

const pointTo = async (alias: string, version: number, more: object = {}, query = '') => {
  const [status, body] = await ask('PUT', `${MODEL}/aliases/${alias}${query}`, { version, ...more })
  return [status, body] as const
}

const history = async (alias: string) =>
  (await ask('GET', `${MODEL}/aliases/${alias}/history`))[1].data as Json[]

describe('a version', () => {
  it('says what it came from: dataset, spec, seed, engine, and who asked for it', async () => {
    const [, version] = await ask('GET', `${MODEL}/versions/1`)
    expect(version).toMatchObject({
      version: 1,
      datasetId,
      datasetSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      metrics: { accuracy: expect.any(Number) },
      lineage: {
        dataset: { name: 'stripes', version: 1 },
        seed: 1,
        training: { epochs: 8, seed: 1, optimizer: { type: 'adam' } },
        network: {
          layers: [
            { type: 'dense', units: 8 },
            { type: 'dense', units: 3 },
          ],
        },
        engine: { name: 'portable', device: 'cpu' },
        submittedBy: { id: expect.stringMatching(/^key_/), name: 'bootstrap' },
      },
    })
  })

  it('can be described and tagged, and found by its tags; nothing else changes', async () => {
    const [, before] = await ask('GET', `${MODEL}/versions/2`)
    const [status, after] = await ask('PATCH', `${MODEL}/versions/2`, {
      description: 'a first try',
      tags: ['baseline', 'team:vision'],
    })
    expect(status).toBe(200)
    expect(after).toEqual({ ...before, description: 'a first try', tags: ['baseline', 'team:vision'] })
    const [, found] = await ask('GET', `${MODEL}/versions?tag=baseline`)
    const { model_version_status: _, ...listed } = after // TensorFlow Serving's word, of a single version only
    expect(found.data).toEqual([listed])
    const [, page] = await ask('GET', `${MODEL}/versions?limit=2`)
    expect([page.data.map(({ version }: Json) => version), page.nextCursor]).toEqual([[4, 3], '3'])
    const [, rest] = await ask('GET', `${MODEL}/versions?limit=2&after=3`)
    expect([rest.data.map(({ version }: Json) => version), rest.hasMore]).toEqual([[2, 1], false])
    for (const body of [{}, { tags: ['a b'] }, { tags: ['a', 'a'] }, { metrics: {} }]) {
      expect((await ask('PATCH', `${MODEL}/versions/2`, body))[0], JSON.stringify(body)).toBe(422)
    }
    expect((await ask('PATCH', `${MODEL}/versions/99`, { tags: [] }))[0]).toBe(404)
  })
})

it('a model can be described and found by a tag', async () => {
  expect((await ask('GET', '/v1/models?tag=digits'))[1].data).toEqual([])
  const [status, model] = await ask('PATCH', MODEL, { tags: ['digits'] })
  expect([status, model.tags, model.description]).toEqual([200, ['digits'], ''])
  expect((await ask('GET', '/v1/models?tag=digits'))[1].data).toMatchObject([{ name: 'stripes' }])
  expect((await ask('PATCH', '/v1/models/none', { tags: [] }))[1].code).toBe('MODEL_NOT_FOUND')
})

describe('the history of an alias', () => {
  it('tells who moved it, when, from where to where, and why', async () => {
    await pointTo('told', 1)
    await pointTo('told', 3, { reason: 'better on the left' })
    await pointTo('told', 3) // nothing changes
    const moves = await history('told')
    const at = (version: number) => ({ targets: [{ version, weight: 100 }], shadow: null })
    expect(moves).toMatchObject([
      { kind: 'set', from: at(1), to: at(3), reason: 'better on the left', forced: false },
      { kind: 'set', from: null, to: at(1), reason: null },
    ])
    for (const move of moves) {
      expect(move.by).toMatchObject({ name: 'bootstrap' })
      expect(Date.parse(move.at)).toBeLessThanOrEqual(Date.now())
    }
    expect((await ask('GET', `${MODEL}/aliases/never/history`))[1].code).toBe('ALIAS_NOT_FOUND')
  })

  it('is gone back through by rollbacks, each a move further, and deletions too', async () => {
    const rollBack = () => ask('POST', `${MODEL}/aliases/back/rollback`, { reason: 'errors' })
    for (const version of [1, 2, 3]) await pointTo('back', version)
    expect(await rollBack()).toMatchObject([200, { version: 2 }])
    expect(await rollBack()).toMatchObject([200, { version: 1 }])
    expect(await rollBack()).toMatchObject([409, { code: 'ROLLBACK_NOT_POSSIBLE' }])
    await ask('DELETE', `${MODEL}/aliases/back`)
    expect((await ask('GET', `${MODEL}/aliases/back`))[0]).toBe(404)
    expect(await rollBack()).toMatchObject([200, { version: 1 }])
    const [newest] = await history('back')
    expect(newest).toMatchObject({ kind: 'rollback', reason: 'errors', from: null })
    expect(await ask('POST', `${MODEL}/aliases/never/rollback`)).toMatchObject([
      404,
      { code: 'ALIAS_NOT_FOUND' },
    ])
  })

  it('is gone back once for each Idempotency-Key, and without a body', async () => {
    for (const version of [1, 2, 3]) await pointTo('once', version)
    const headers = { 'idempotency-key': 'one rollback' }
    const first = await ask('POST', `${MODEL}/aliases/once/rollback`, undefined, headers)
    const again = await ask('POST', `${MODEL}/aliases/once/rollback`, undefined, headers)
    expect(again).toEqual(first)
    expect((await ask('GET', `${MODEL}/aliases/once`))[1].version).toBe(2)
  })
})

describe('the gates of an alias', () => {
  const setGates = (alias: string, gates: object) => ask('PUT', `${MODEL}/aliases/${alias}/gates`, gates)

  it('refuse a version that is not good enough, with the reasons, and leave the alias as it was', async () => {
    expect((await setGates('safe', { minAccuracy: 0.8, minClassRecall: 0.5 }))[0]).toBe(200)
    expect((await pointTo('safe', 1))[0]).toBe(200)
    const [status, refusal] = await pointTo('safe', 2)
    expect([status, refusal.code]).toEqual([409, 'GATE_FAILED'])
    expect(refusal.errors.map(({ pointer }: Json) => pointer)).toEqual(['/version', '/version'])
    expect(refusal.errors[0].detail).toMatch(
      /^minAccuracy: accuracy must be at least 0.8; version 2 has 0\.\d+$/,
    )
    expect(refusal.errors[1].detail).toMatch(/^minClassRecall: .* of version 2 [012] has 0/)
    expect((await ask('GET', `${MODEL}/aliases/safe`))[1].version).toBe(1)
    expect(await history('safe')).toHaveLength(1)
  })

  it('refuse one that is significantly worse than the present one by McNemar’s test', async () => {
    await pointTo('tested', 1)
    await setGates('tested', { notWorseThanCurrent: { alpha: 0.05 } })
    const [status, refusal] = await pointTo('tested', 2)
    expect([status, refusal.code]).toEqual([409, 'GATE_FAILED'])
    expect(refusal.detail).toMatch(/version 2 must not be significantly worse than version 1; .* \(p = /)
    expect((await pointTo('tested', 3))[0]).toBe(200)
  })

  it('refuse one that was evaluated on other examples, where it is to be compared', async () => {
    await pointTo('elsewhere', 1)
    await setGates('elsewhere', { notWorseThanCurrent: { alpha: 0.05 } })
    const [status, refusal] = await pointTo('elsewhere', 4)
    expect([status, refusal.code]).toEqual([409, 'GATE_FAILED'])
    expect(refusal.detail).toMatch(/both must have been evaluated on the same examples/)
  })

  it('refuse every version of a split that is not good enough, but not a shadow', async () => {
    await setGates('split', { minAccuracy: 0.8 })
    const targets = [
      { version: 1, weight: 90 },
      { version: 2, weight: 10 },
    ]
    const [status, refusal] = await ask('PUT', `${MODEL}/aliases/split`, { targets })
    expect([status, refusal.errors.map(({ pointer }: Json) => pointer)]).toEqual([
      409,
      ['/targets/1/version'],
    ])
    expect((await pointTo('split', 1, { shadow: 2 }))[0]).toBe(200)
  })

  it('give way to force, which the history keeps, and to a rollback', async () => {
    await pointTo('forced', 2)
    await pointTo('forced', 1)
    await setGates('forced', { minAccuracy: 0.8 })
    expect((await ask('POST', `${MODEL}/aliases/forced/rollback`))[1].version).toBe(2)
    await pointTo('forced', 1)
    expect((await pointTo('forced', 2, {}, '?force=false'))[0]).toBe(409)
    expect((await pointTo('forced', 2, { reason: 'a demonstration' }, '?force=true'))[0]).toBe(200)
    expect((await history('forced'))[0]).toMatchObject({
      forced: true,
      overridden: [expect.stringMatching(/^minAccuracy/)],
      reason: 'a demonstration',
    })
    expect((await pointTo('forced', 3, {}, '?force=true'))[0]).toBe(200)
    expect((await history('forced'))[0]).toMatchObject({ forced: false, overridden: [] }) // it failed none
  })

  it('are read, replaced and removed, and stay when their alias goes', async () => {
    const where = `${MODEL}/aliases/gated/gates`
    expect((await ask('GET', where))[1].code).toBe('GATES_NOT_FOUND')
    await setGates('gated', { minAccuracy: 0.9 })
    await pointTo('gated', 1)
    await ask('DELETE', `${MODEL}/aliases/gated`)
    const [, kept] = await ask('GET', where)
    expect(kept).toMatchObject({ minAccuracy: 0.9, by: { name: 'bootstrap' } })
    await setGates('gated', { minClassRecall: 0.1 })
    expect((await ask('GET', where))[1].minAccuracy).toBe(undefined)
    expect([(await ask('DELETE', where))[0], (await ask('DELETE', where))[0]]).toEqual([204, 404])
    for (const gates of [{}, { minAccuracy: 2 }, { notWorseThanCurrent: {} }, { minimum: 1 }]) {
      expect((await setGates('gated', gates))[0], JSON.stringify(gates)).toBe(422)
    }
    expect((await ask('PUT', '/v1/models/none/aliases/a/gates', { minAccuracy: 1 }))[1].code).toBe(
      'MODEL_NOT_FOUND',
    )
  })
})

describe('a comparison of two versions', () => {
  it('has metrics, classes, confusion and McNemar’s test side by side', async () => {
    const [status, found] = await ask('GET', `${MODEL}/compare?a=1&b=2`)
    expect(status).toBe(200)
    const [, a] = await ask('GET', `${MODEL}/versions/1`)
    const [, b] = await ask('GET', `${MODEL}/versions/2`)
    expect(found.metrics.accuracy).toEqual({
      a: a.metrics.accuracy,
      b: b.metrics.accuracy,
      difference: b.metrics.accuracy - a.metrics.accuracy,
    })
    const { onlyA, onlyB, both, neither, pValue } = found.mcnemar
    expect(onlyA + onlyB + both + neither).toBe(30)
    expect((both + onlyA) / 30).toBeCloseTo(a.metrics.accuracy, 12)
    expect((both + onlyB) / 30).toBeCloseTo(b.metrics.accuracy, 12)
    expect(pValue).toBeLessThan(0.01)
    const ofA = await service.json(`/v1/jobs/${a.jobId}/evaluation`)
    const ofB = await service.json(`/v1/jobs/${b.jobId}/evaluation`)
    found.classes.forEach((row: Json, label: number) => {
      expect(row.recall).toMatchObject({ a: ofA.classes[label].recall, b: ofB.classes[label].recall })
      expect(row.precision).toMatchObject({
        a: ofA.classes[label].precision,
        b: ofB.classes[label].precision,
      })
      expect(row.f1).toMatchObject({ a: ofA.classes[label].f1, b: ofB.classes[label].f1 })
    })
    const difference = ofB.confusionMatrix.counts.map((row: number[], i: number) =>
      row.map((count, j) => count - ofA.confusionMatrix.counts[i][j]),
    )
    expect(found.confusionDifference.counts).toEqual(difference)
  })

  it('lists the examples that changed, by pages, as the models really predict them', async () => {
    const [, { changed: all }] = await ask('GET', `${MODEL}/compare?a=1&b=2&limit=1000`)
    expect(all.data.length).toBeGreaterThan(5)
    const paged: Json[] = []
    for (let after: string | null = ''; after !== null; ) {
      const [, { changed }]: [number, Json] = await ask('GET', `${MODEL}/compare?a=1&b=2&limit=4${after}`)
      paged.push(...changed.data)
      after = changed.nextCursor === null ? null : `&after=${changed.nextCursor}`
    }
    expect(paged).toEqual(all.data)
    for (const { index, actual, a, b } of paged.slice(0, 3)) {
      const where = `/v1/datasets/${datasetId}/examples?split=test&offset=${index}&limit=1`
      const {
        data: [example],
      } = await service.json(where)
      expect(example.label).toBe(actual)
      for (const [version, label] of [
        [1, a],
        [2, b],
      ] as const) {
        const [, answer] = await ask('POST', `${MODEL}/versions/${version}/predict`, {
          instances: [example.features],
        })
        expect(answer.predictions[0].label).toBe(label)
      }
    }
  })

  it('of a version with itself finds nothing', async () => {
    const [, { mcnemar, changed }] = await ask('GET', `${MODEL}/compare?a=1&b=1`)
    expect([mcnemar.pValue, changed.data]).toEqual([1, []])
  })

  it('is refused for different test examples, with both of them in the reason', async () => {
    const [status, refusal] = await ask('GET', `${MODEL}/compare?a=1&b=4`)
    expect([status, refusal.code]).toEqual([409, 'VERSIONS_NOT_COMPARABLE'])
    expect(refusal.detail).toContain(datasetId)
    expect(refusal.detail).toContain(other.datasetId)
    expect((await ask('GET', `${MODEL}/compare?a=1&b=9`))[1].code).toBe('MODEL_VERSION_NOT_FOUND')
    expect((await ask('GET', `${MODEL}/compare?a=1`))[0]).toBe(422)
  })
})

it('a version is kept while an alias sends traffic to it, splits to it or shadows with it', async () => {
  const remove = () => ask('DELETE', `${MODEL}/versions/${version}`)
  const version = await trainVersion(service, datasetId, { ...GOOD, epochs: 1 })
  const targets = [
    { version: 1, weight: 9 },
    { version, weight: 1 },
  ]
  await ask('PUT', `${MODEL}/aliases/holding`, { targets })
  expect((await ask('GET', `${MODEL}/versions/${version}`))[1].aliases).toEqual(['holding', 'latest'])
  expect(await remove()).toMatchObject([409, { code: 'MODEL_VERSION_IN_USE' }])
  await pointTo('holding', 1, { shadow: version })
  expect(await remove()).toMatchObject([409, { code: 'MODEL_VERSION_IN_USE' }])
  await pointTo('holding', 1)
  expect((await remove())[0]).toBe(204)
  expect(await ask('POST', `${MODEL}/aliases/holding/rollback`)).toMatchObject([
    409,
    { code: 'ROLLBACK_NOT_POSSIBLE' },
  ])
})

it('refuses aliases that make no sense, by field', async () => {
  const two = [
    { version: 1, weight: 1 },
    { version: 1, weight: 2 },
  ]
  for (const [body, pointer] of [
    [{}, '/version'],
    [{ version: 1, targets: two }, '/version'],
    [{ targets: two }, '/targets/1/version'],
    [{ targets: [{ version: 1, weight: 0 }] }, '/targets/0/weight'],
    [{ targets: [] }, '/targets'],
    [{ version: 1, shadow: 1 }, '/shadow'],
  ] as const) {
    const [status, refusal] = await ask('PUT', `${MODEL}/aliases/odd`, body)
    expect([status, refusal.errors[0].pointer], JSON.stringify(body)).toEqual([422, pointer])
  }
  expect((await ask('PUT', `${MODEL}/aliases/odd`, { version: 1, shadow: 99 }))[1].code).toBe(
    'MODEL_VERSION_NOT_FOUND',
  )
})

it('every change of a model is told to those who listen', async () => {
  const client = new pg.Client({ connectionString: service.databaseUrl })
  const heard: string[] = []
  client.on('notification', ({ payload }) => heard.push(payload ?? ''))
  client.on('error', () => {})
  await client.connect()
  onTestFinished(() => client.end())
  await client.query('LISTEN trainyard_model')
  const tells = async (change: () => Promise<unknown>) => {
    heard.length = 0
    await change()
    await until(() => heard.includes('stripes'), { what: 'the notification' })
  }
  await tells(() => pointTo('loud', 1))
  await tells(() => ask('PATCH', `${MODEL}/versions/1`, { tags: ['x'] }))
  await tells(() => ask('PATCH', MODEL, { description: 'x' }))
  await tells(() => ask('DELETE', `${MODEL}/aliases/loud`))
  await tells(() => ask('POST', `${MODEL}/aliases/loud/rollback`))
  let version = 0
  await tells(async () => {
    version = await trainVersion(service, datasetId, { ...GOOD, epochs: 1 })
  })
  await tells(() => ask('DELETE', `${MODEL}/versions/${version}`))
})

it('collecting garbage keeps what versions were evaluated to', async () => {
  const client = new pg.Client({ connectionString: service.databaseUrl })
  await client.connect()
  onTestFinished(() => client.end())
  const { REFERENCED_BLOBS } = await import('../../src/storage/repository.ts')
  const { rows } = await client.query(`SELECT outcomes FROM model_versions WHERE outcomes IS NOT NULL
    AND outcomes IN (${REFERENCED_BLOBS})`)
  const { rows: versions } = await client.query('SELECT 1 FROM model_versions')
  expect(rows).toHaveLength(versions.length)
})
