import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import pg from 'pg'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createDatabase } from '../../src/db/client.ts'
import { deleteExpiredUploads } from '../../src/uploads/repository.ts'
import { stripes } from '../helpers/idx.ts'
import { releaseAfterFile } from '../helpers/release.ts'
import { type Json, startTestService, type TestService } from '../helpers/service.ts'
import { beginUpload, TUS, uploadFile } from '../helpers/tus.ts'
import { until } from '../helpers/until.ts'

const CSV = Buffer.from(
  `size,label\n${Array.from({ length: 50 }, (_, row) => `${row},${row % 2 ? 'a' : 'b'}`).join('\n')}\n`,
)
const ASYNC = { prefer: 'respond-async' }

const release = releaseAfterFile()
let service: TestService

beforeAll(async () => {
  service = await startTestService({ release })
})

async function query(text: string, values: unknown[] = []) {
  const client = new pg.Client({ connectionString: service.databaseUrl })
  await client.connect()
  try {
    return (await client.query(text, values)).rows
  } finally {
    await client.end()
  }
}

async function create(
  body: object,
  headers: Record<string, string> = {},
  search = '',
): Promise<[number, Json]> {
  const response = await service.request(`/v1/datasets${search}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  return [response.status, (await response.json()) as Json]
}

const drafts = () => readdir(path.join(service.dataDir, 'drafts'))

const waitFor = (id: string) => service.json(`/v1/datasets/${id}?waitSeconds=30`)

/** A table that takes a second or more to read. */
function largeTable(): Buffer {
  const line = `${Array.from({ length: 100 }, (_, column) => column * 1.25).join(',')},yes\n`
  const head = `${Array.from({ length: 100 }, (_, column) => `c${column}`).join(',')},label\n`
  const rows = 70_000
  return Buffer.concat([
    Buffer.from(head),
    Buffer.from(line.replace('yes', 'no')),
    Buffer.from(line.repeat(rows)),
  ])
}

describe('a dataset of uploads', () => {
  it('is the same as of files: IDX, each an upload of its own', async () => {
    const { images, labels } = stripes(90)
    const [status, dataset] = await create({
      name: 'of uploads',
      files: {
        trainImages: await uploadFile(service, images),
        trainLabels: await uploadFile(service, labels),
      },
    })
    expect([status, dataset]).toMatchObject([201, { status: 'ready', format: 'idx', version: 1 }])
    const form = new FormData()
    form.set('name', 'of files')
    form.set('trainImages', new Blob([new Uint8Array(images)]), 'a')
    form.set('trainLabels', new Blob([new Uint8Array(labels)]), 'b')
    const direct = await service.json('/v1/datasets', { method: 'POST', body: form })
    expect(dataset.sha256).toBe(direct.sha256)
  })

  it('takes the options of a table as JSON, and can be looked at before', async () => {
    const file = await uploadFile(service, CSV)
    const request = {
      name: 'table',
      target: 'label',
      columns: { size: 'categorical' },
      header: true,
      files: { file },
    }
    const [previewStatus, preview] = await create(request, {}, '?dryRun=true')
    expect([previewStatus, preview]).toMatchObject([
      200,
      { format: 'csv', targets: ['label'], classes: ['a', 'b'] },
    ])
    const [status, dataset] = await create(request)
    expect([status, dataset]).toMatchObject([201, { columns: [{ name: 'size', type: 'categorical' }] }])
  })

  it('is made in the background where that is wanted, and tells how it ended', async () => {
    const good = await uploadFile(service, CSV)
    const bad = await uploadFile(service, Buffer.from('a,label\n1,x\n1,2,3\n'))
    const [status, dataset] = await create({ name: 'later', files: { file: good } }, ASYNC)
    expect([status, dataset]).toMatchObject([
      202,
      { status: 'processing', format: null, kind: null, version: 1 },
    ])
    const { sha256 } = await waitFor(dataset.id)
    expect(await waitFor(dataset.id)).toMatchObject({
      status: 'ready',
      format: 'csv',
      kind: 'table',
      error: null,
    })
    const [, now] = await create({ name: 'later', files: { file: good } })
    expect(now).toMatchObject({ sha256, version: 2 })
    const [, failing] = await create({ name: 'later', files: { file: bad } }, ASYNC)
    expect(await waitFor(failing.id)).toMatchObject({
      status: 'failed',
      version: 3,
      error: { code: 'DATASET_INVALID', message: expect.stringContaining('3') },
    })
    const job = {
      datasetId: failing.id,
      network: { layers: [{ type: 'dense', units: 2, activation: 'softmax' }] },
    }
    const refused = await service.request('/v1/jobs', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(job),
    })
    expect([refused.status, ((await refused.json()) as Json).code]).toEqual([409, 'DATASET_NOT_READY'])
    expect(await query('SELECT 1 FROM dataset_tasks')).toEqual([])
    expect((await service.request(`/v1/datasets/${failing.id}`, { method: 'DELETE' })).status).toBe(204)
  })

  it('is made once for each Idempotency-Key, also when its uploads are gone', async () => {
    const file = await uploadFile(service, CSV)
    const post = () => create({ name: 'once', files: { file } }, { 'idempotency-key': 'once-1', ...ASYNC })
    const [, first] = await post()
    await waitFor(first.id)
    await service.request(`/v1/uploads/${file}`, { method: 'DELETE', headers: TUS })
    const [status, second] = await post()
    expect([status, second.id]).toEqual([202, first.id])
  })

  it('is refused with the field that is wrong', async () => {
    const part = await beginUpload(service, 10)
    const file = await uploadFile(service, CSV)
    const unknown = 'upl_00000000000000000000000000'
    const cases: [object, number, string, string][] = [
      [{ name: 'x', files: { file: part } }, 409, 'UPLOAD_INCOMPLETE', '/files/file'],
      [{ name: 'x', files: { file: unknown } }, 422, 'VALIDATION_FAILED', '/files/file'],
      [{ name: 'x', files: { file: 'nothing' } }, 422, 'VALIDATION_FAILED', '/files/file'],
      [{ name: 'x', files: { other: file } }, 422, 'VALIDATION_FAILED', '/other'],
      [{ name: 'x', files: {} }, 422, 'VALIDATION_FAILED', '/files'],
      [{ files: { file } }, 422, 'VALIDATION_FAILED', '/name'],
      [{ name: 'x', shape: [1], files: { file } }, 422, 'VALIDATION_FAILED', '/shape'],
      [{ name: 'x', task: 'sorting', files: { file } }, 422, 'VALIDATION_FAILED', '/task'],
      [{ name: 'x', task: null, files: { file } }, 422, 'VALIDATION_FAILED', '/task'],
      [{ name: 'x', target: 'nobody', files: { file } }, 422, 'VALIDATION_FAILED', '/target'],
    ]
    for (const [body, status, code, pointer] of cases) {
      const [gotStatus, problem] = await create(body)
      expect([gotStatus, problem.code, problem.errors[0]?.pointer ?? ''], JSON.stringify(body)).toEqual([
        status,
        code,
        pointer,
      ])
    }
  })

  it('keeps its uploads while it is processing, whether they are over or somebody deletes them', async () => {
    const file = await uploadFile(service, CSV)
    const dataset = await service.uploadStripes()
    await query(
      "INSERT INTO dataset_tasks (dataset_id, options, files, lease_until) VALUES ($1, '{}', $2, now() + interval '1 hour')",
      [dataset, { file }],
    )
    await query("UPDATE uploads SET expires_at = now() - interval '1 s' WHERE id = $1", [file])
    const db = createDatabase({ url: service.databaseUrl, poolSize: 1, onError: () => {} })
    onTestFinished(() => db.$disconnect())
    expect(await deleteExpiredUploads(db)).toBe(0)
    const remove = () => service.request(`/v1/uploads/${file}`, { method: 'DELETE', headers: TUS })
    const refused = await remove()
    expect([refused.status, ((await refused.json()) as Json).code]).toEqual([409, 'UPLOAD_IN_USE'])
    expect((await service.request(`/v1/datasets/${dataset}`, { method: 'DELETE' })).status).toBe(204)
    expect((await remove()).status).toBe(204)
  })
})

describe('a dataset whose process', () => {
  it('is killed is begun anew by the next', async () => {
    const file = await uploadFile(service, largeTable())
    const [status, { id }] = await create({ name: 'killed', files: { file } }, ASYNC)
    expect(status).toBe(202)
    await until(async () => (await drafts()).length > 0)
    await service.api.end('SIGKILL')
    expect(await query('SELECT attempts FROM dataset_tasks WHERE dataset_id = $1', [id])).toEqual([
      { attempts: 1 },
    ])
    await service.startApi()
    expect(await service.json(`/v1/datasets/${id}`)).toMatchObject({ status: 'processing' })
    expect(await waitFor(id)).toMatchObject({ status: 'ready', splits: { train: { examples: 70_001 } } })
  })

  it('is told to end gives it back, and nothing is counted', async () => {
    const file = await uploadFile(service, largeTable())
    const [, { id }] = await create({ name: 'ended', files: { file } }, ASYNC)
    const task = () => query('SELECT attempts, owner FROM dataset_tasks WHERE dataset_id = $1', [id])
    await until(async () => (await task())[0]?.attempts === 1)
    await service.api.end('SIGTERM')
    expect(await task()).toEqual([{ attempts: 0, owner: null }])
    await service.startApi()
    expect(await waitFor(id)).toMatchObject({ status: 'ready' })
  })

  it('was ended by it again and again fails', async () => {
    const file = await uploadFile(service, CSV)
    const [, { id }] = await create({ name: 'ending', files: { file } }, ASYNC)
    await waitFor(id)
    await query("UPDATE datasets SET status = 'processing' WHERE id = $1", [id])
    await query('INSERT INTO dataset_tasks (dataset_id, options, files, attempts) VALUES ($1, $2, $3, 3)', [
      id,
      { name: 'ending' },
      { file },
    ])
    expect(await waitFor(id)).toMatchObject({ status: 'failed', error: { code: 'DATASET_NOT_PROCESSED' } })
  })

  it('may be deleted meanwhile', async () => {
    const file = await uploadFile(service, largeTable())
    const before = await drafts() // of the process that was killed
    const [, { id }] = await create({ name: 'deleted', files: { file } }, ASYNC)
    await until(async () => (await query('SELECT 1 FROM dataset_tasks WHERE attempts = 1')).length === 1)
    expect((await service.request(`/v1/datasets/${id}`, { method: 'DELETE' })).status).toBe(204)
    await until(async () => (await drafts()).length === before.length)
    expect((await service.request(`/v1/datasets/${id}`)).status).toBe(404)
    expect(service.api.child.exitCode).toBe(null)
  })
})

describe('a multipart upload with Content-Digest', () => {
  const body = Buffer.from(
    ['--b', 'Content-Disposition: form-data; name="name"', '', 'digest', '--b']
      .concat([
        'Content-Disposition: form-data; name="file"; filename="a.csv"',
        '',
        CSV.toString(),
        '--b--',
        '',
      ])
      .join('\r\n'),
  )
  const post = (digest: string) =>
    service.request('/v1/datasets', {
      method: 'POST',
      headers: { 'content-type': 'multipart/form-data; boundary=b', 'content-digest': digest },
      body: new Uint8Array(body),
    })
  const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('base64')

  it('is taken when the whole body has it', async () => {
    expect((await post(`sha-256=:${digest(body)}:`)).status).toBe(201)
  })

  it('is refused when it has not, and nothing is kept', async () => {
    const before = [await query('SELECT count(*) FROM datasets'), await drafts()]
    const response = await post(`sha-256=:${digest(CSV)}:`)
    expect([response.status, ((await response.json()) as Json).code]).toEqual([422, 'DIGEST_MISMATCH'])
    expect([await query('SELECT count(*) FROM datasets'), await drafts()]).toEqual(before)
    expect((await post('sha-256=nothing')).status).toBe(422)
  })
})
