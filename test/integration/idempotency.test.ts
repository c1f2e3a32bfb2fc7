import { createHash } from 'node:crypto'
import { once } from 'node:events'
import net from 'node:net'
import pg from 'pg'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { stripes } from '../helpers/idx.ts'
import { releaseAfterFile } from '../helpers/release.ts'
import { type Json, startProcess, startTestService, TEST_KEY, type TestService } from '../helpers/service.ts'
import { until } from '../helpers/until.ts'

const release = releaseAfterFile()
let service: TestService
let database: pg.Client
let datasetId: string

beforeAll(async () => {
  service = await startTestService({ release })
  database = await connect(release)
  datasetId = await service.uploadStripes()
})

async function connect(release: (close: () => Promise<void>) => void): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: service.databaseUrl })
  client.on('error', () => {}) // the database is dropped at the end
  await client.connect()
  release(() => client.end())
  return client
}

async function count(table: string): Promise<number> {
  const { rows } = await database.query(`SELECT count(*)::int AS count FROM ${table}`)
  return rows[0].count
}

let keys = 0
const newKey = () => `key ${++keys} ~`

function jobBody(name: string): Json {
  const layers = [{ type: 'dense', units: 3, activation: 'softmax' }]
  return { datasetId, name, network: { layers }, training: { epochs: 1 } }
}

function post(where: string, key: string, body?: object, headers: Record<string, string> = {}) {
  return service.request(where, {
    method: 'POST',
    headers: {
      'idempotency-key': key,
      ...(body && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body && { body: JSON.stringify(body) }),
  })
}

async function codeOf(response: Response): Promise<[number, string]> {
  return [response.status, ((await response.json()) as Json).code]
}

/** A lock that keeps jobs from being written until it is let go. */
async function holdJobs(): Promise<() => Promise<unknown>> {
  const holder = await connect(onTestFinished)
  await holder.query('BEGIN')
  await holder.query('LOCK TABLE jobs IN SHARE ROW EXCLUSIVE MODE')
  return () => holder.query('COMMIT')
}

async function waiting(): Promise<boolean> {
  const { rows } = await database.query(
    `SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'jobs'::regclass
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  )
  return rows.length > 0
}

describe('a POST that is sent again under its key', () => {
  it('makes one job and gets the same answer, whatever the order of its fields', async () => {
    const [key, body] = [newKey(), jobBody('twice')]
    const jobs = await count('jobs')
    const first = await post('/v1/jobs', key, body)
    const again = await post('/v1/jobs', key, Object.fromEntries(Object.entries(body).reverse()))
    expect([first.status, again.status]).toEqual([202, 202])
    expect(again.headers.get('location')).toBe(first.headers.get('location'))
    expect(again.headers.get('content-type')).toBe(first.headers.get('content-type'))
    expect(first.headers.get('idempotency-replayed')).toBe(null)
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect(await again.text()).toBe(await first.text())
    expect(await count('jobs')).toBe(jobs + 1)
    expect(await count('outbox')).toBe(await count('jobs'))
  })

  it('whose connection was lost after the commit gets the answer that it missed', async () => {
    const [key, jobs] = [newKey(), await count('jobs')]
    const release = await holdJobs()
    const body = JSON.stringify(jobBody('cut'))
    const { hostname, port } = new URL(service.url)
    const socket = net.connect(Number(port), hostname)
    await once(socket, 'connect')
    socket.write(
      `POST /v1/jobs HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: Bearer ${TEST_KEY}\r\nidempotency-key: ${key}\r\n` +
        `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    )
    await until(waiting, { what: 'the transaction that waits' })
    socket.destroy()
    await release()
    await until(async () => (await count('jobs')) === jobs + 1, { what: 'the commit' })
    const again = await post('/v1/jobs', key, JSON.parse(body))
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([202, 'true'])
    expect(await count('jobs')).toBe(jobs + 1)
  })

  it('with another body, or to another address, is refused', async () => {
    const key = newKey()
    await post('/v1/jobs', key, jobBody('one'))
    const jobs = await count('jobs')
    const other = await post('/v1/jobs', key, jobBody('other'))
    expect(await codeOf(other)).toEqual([422, 'IDEMPOTENCY_KEY_REUSED'])
    const elsewhere = await post('/v1/jobs?dryRun=true', key, jobBody('one'))
    expect(await codeOf(elsewhere)).toEqual([422, 'IDEMPOTENCY_KEY_REUSED'])
    expect(await count('jobs')).toBe(jobs)
  })

  it('while the first is answered gets 409 at once, and its answer afterwards', async () => {
    const [key, jobs] = [newKey(), await count('jobs')]
    const release = await holdJobs()
    const first = post('/v1/jobs', key, jobBody('twins'))
    await until(waiting, { what: 'the transaction that waits' })
    const twin = await post('/v1/jobs', key, jobBody('twins'))
    expect(twin.headers.get('retry-after')).toBe('1')
    expect(await codeOf(twin)).toEqual([409, 'IDEMPOTENCY_KEY_IN_USE'])
    await release()
    const id = ((await (await first).json()) as Json).id
    expect(await (await post('/v1/jobs', key, jobBody('twins'))).json()).toMatchObject({ id })
    expect(await count('jobs')).toBe(jobs + 1)
  })

  it('twenty times at once makes one job', async () => {
    const [key, jobs] = [newKey(), await count('jobs')]
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => post('/v1/jobs', key, jobBody('many'))),
    )
    const good = await Promise.all(answers.filter(({ ok }) => ok).map(answer => answer.json()))
    expect(new Set((good as Json[]).map(({ id }) => id)).size).toBe(1)
    const refused = await Promise.all(answers.filter(({ ok }) => !ok).map(codeOf))
    for (const refusal of refused) expect(refusal).toEqual([409, 'IDEMPOTENCY_KEY_IN_USE'])
    expect(await count('jobs')).toBe(jobs + 1)
  })

  it('by another API key is another request', async () => {
    const other = 'ty_test_of_another_client_0123456789'
    await database.query(
      'INSERT INTO api_keys (id, name, sha256) VALUES ($1, $1, $2) ON CONFLICT DO NOTHING',
      ['key_other', createHash('sha256').update(other).digest('hex')],
    )
    const [key, jobs] = [newKey(), await count('jobs')]
    await post('/v1/jobs', key, jobBody('mine'))
    const theirs = await post('/v1/jobs', key, jobBody('theirs'), { authorization: `Bearer ${other}` })
    expect([theirs.status, theirs.headers.get('idempotency-replayed')]).toEqual([202, null])
    expect(await count('jobs')).toBe(jobs + 2)
  })

  it('after 24 hours is a new request', async () => {
    const [key, jobs] = [newKey(), await count('jobs')]
    await post('/v1/jobs', key, jobBody('old'))
    const age = `UPDATE idempotent_answers SET created_at = created_at - interval '24 hours' WHERE key = $1`
    await database.query(age, [key])
    const again = await post('/v1/jobs', key, jobBody('new'))
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([202, null])
    expect(await count('jobs')).toBe(jobs + 2)
    const kept = await post('/v1/jobs', key, jobBody('new'))
    expect(kept.headers.get('idempotency-replayed')).toBe('true')
  })

  it('does its work when the first failed on our side, which left nothing', async () => {
    const [key, jobs] = [newKey(), await count('jobs')]
    await database.query('ALTER TABLE outbox RENAME TO outbox_away')
    const failed = await post('/v1/jobs', key, jobBody('failed'))
    await database.query('ALTER TABLE outbox_away RENAME TO outbox')
    expect(await codeOf(failed)).toEqual([500, 'INTERNAL'])
    expect(await count('jobs')).toBe(jobs)
    const again = await post('/v1/jobs', key, jobBody('failed'))
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([202, null])
    expect(await count('jobs')).toBe(jobs + 1)
  })

  it('gets the same refusal, but not one that may be otherwise next time', async () => {
    const job = (await (await post('/v1/jobs', newKey(), jobBody('refused'))).json()) as Json
    await post(`/v1/jobs/${job.id}/cancel`, newKey())
    const key = newKey()
    const refused = await post(`/v1/jobs/${job.id}/cancel`, key)
    const again = await post(`/v1/jobs/${job.id}/cancel`, key)
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    const [first, second] = await Promise.all([refused.text(), again.text()])
    expect(second).toBe(first)
    expect(JSON.parse(first)).toMatchObject({ status: 409, code: 'JOB_FINISHED' })

    const waitingKey = newKey()
    await database.query(`UPDATE datasets SET status = 'processing' WHERE id = $1`, [datasetId])
    const early = await post('/v1/jobs', waitingKey, jobBody('early'))
    await database.query(`UPDATE datasets SET status = 'ready' WHERE id = $1`, [datasetId])
    expect(await codeOf(early)).toEqual([409, 'DATASET_NOT_READY'])
    expect((await post('/v1/jobs', waitingKey, jobBody('early'))).status).toBe(202)
  })

  it.each([
    ['empty', ''],
    ['of 256 characters', 'k'.repeat(256)],
    ['beyond ASCII', 'clé'],
  ])('has no key that is %s', async (_, key) => {
    const answer = await post('/v1/jobs', key, jobBody('bad key'))
    expect(answer.status).toBe(422)
    expect(((await answer.json()) as Json).errors).toMatchObject([{ parameter: 'idempotency-key' }])
  })
})

it('a process killed in the middle of its work leaves no key in use and no row', async () => {
  const release = await holdJobs()
  const other = startProcess('src/server', { ...service.environment, LOG_LEVEL: 'info' }, onTestFinished)
  const url = await until(() => /"url":"([^"]+)"/.exec(other.output())?.[1], { what: 'a ready API' })
  const [key, jobs] = [newKey(), await count('jobs')]
  const lost = fetch(`${url}/v1/jobs`, {
    method: 'POST',
    body: JSON.stringify(jobBody('killed')),
    headers: {
      authorization: `Bearer ${TEST_KEY}`,
      'content-type': 'application/json',
      'idempotency-key': key,
    },
  }).catch(() => null)
  await until(waiting, { what: 'the transaction that waits' })
  await other.end('SIGKILL')
  expect(await lost).toBe(null)
  await release()
  const again = await until(async () => {
    const answer = await post('/v1/jobs', key, jobBody('killed'))
    return answer.status === 409 ? null : answer
  })
  expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([202, null])
  expect(await count('jobs')).toBe(jobs + 1)
})

describe('an upload under a key', () => {
  const form = (name: string, seed = 1) => {
    const { images, labels } = stripes(30, 3, 6, seed)
    const form = new FormData() // each has a boundary of its own
    form.set('name', name)
    form.set('trainImages', new Blob([Uint8Array.from(images)]), `images-${Math.random()}`)
    form.set('trainLabels', new Blob([Uint8Array.from(labels)]), 'labels')
    return form
  }
  const upload = (key: string, body: FormData) =>
    service.request('/v1/datasets', { method: 'POST', body, headers: { 'idempotency-key': key } })

  it('makes one dataset of the same parts, and refuses others', async () => {
    const [key, datasets] = [newKey(), await count('datasets')]
    const first = await upload(key, form('parts'))
    const again = await upload(key, form('parts'))
    expect([first.status, again.status]).toEqual([201, 201])
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect(again.headers.get('location')).toBe(first.headers.get('location'))
    expect(await again.text()).toBe(await first.text())
    expect(await codeOf(await upload(key, form('parts', 2)))).toEqual([422, 'IDEMPOTENCY_KEY_REUSED'])
    expect(await codeOf(await upload(key, form('other')))).toEqual([422, 'IDEMPOTENCY_KEY_REUSED'])
    expect(await count('datasets')).toBe(datasets + 1)
  })
})

it('a prediction under a key is computed once', async () => {
  await service.startWorker()
  const id = await service.submit(datasetId, {
    name: 'asked',
    priority: -1,
    training: { epochs: 1, seed: 1 },
  })
  await service.untilJob(id, ({ status }) => status === 'succeeded')
  const [key, body] = [newKey(), { instances: [Array(36).fill(7)] }]
  const first = await post('/v1/models/asked/predict', key, body)
  const again = await post('/v1/models/asked/predict', key, body)
  expect([first.status, again.headers.get('idempotency-replayed')]).toEqual([200, 'true'])
  expect(await again.text()).toBe(await first.text())
  const other = await post('/v1/models/asked/predict', key, { instances: [Array(36).fill(8)] })
  expect(await codeOf(other)).toEqual([422, 'IDEMPOTENCY_KEY_REUSED'])
})

it('every POST of the API says in its description that it takes a key', async () => {
  const { paths } = await service.json('/openapi.json')
  const posts = Object.entries(paths as Record<string, Json>).filter(([, methods]) => methods.post)
  expect(posts.length).toBeGreaterThan(5)
  for (const [where, { post }] of posts) {
    const headers = (post.parameters as Json[]).filter(({ in: place }) => place === 'header')
    expect(
      headers.map(({ name }) => name),
      where,
    ).toContain('idempotency-key')
  }
})
