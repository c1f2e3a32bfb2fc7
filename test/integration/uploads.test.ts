import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import pg from 'pg'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createDatabase } from '../../src/db/client.ts'
import { createDiskBlobStore } from '../../src/storage/disk-blob-store.ts'
import { readUpload } from '../../src/uploads/read-upload.ts'
import { deleteExpiredUploads } from '../../src/uploads/repository.ts'
import { releaseAfterFile } from '../helpers/release.ts'
import { type Json, startTestService, TEST_KEY, type TestService } from '../helpers/service.ts'
import {
  beginUpload,
  digestOf,
  offsetOf,
  openSlowRequest,
  sendBytes,
  TUS,
  uploadFile,
} from '../helpers/tus.ts'
import { until } from '../helpers/until.ts'

const MEBIBYTE = 1024 ** 2
const HELLO = Buffer.from('hello')
const OTHER_KEY = 'ty_other_0123456789abcdef0123456789'

const release = releaseAfterFile()
let service: TestService

beforeAll(async () => {
  service = await startTestService({ environment: { TRAINYARD_UPLOAD_BYTES_MAX: '400000000' }, release })
  const sha256 = createHash('sha256').update(OTHER_KEY).digest('hex')
  await query('INSERT INTO api_keys (id, name, sha256) VALUES ($1, $1, $2)', ['key_other', sha256])
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

/** SHA-256 of what an upload holds. */
async function hashUpload(id: string): Promise<string> {
  const db = createDatabase({ url: service.databaseUrl, poolSize: 1, onError: () => {} })
  onTestFinished(() => db.$disconnect())
  const hash = createHash('sha256')
  for await (const piece of readUpload({ db, blobs: createDiskBlobStore(service.dataDir) }, id))
    hash.update(piece)
  return hash.digest('hex')
}

const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

async function problem(response: Promise<Response>): Promise<[number, string, string]> {
  const answer = await response
  expect(answer.headers.get('tus-resumable')).toBe('1.0.0')
  const { code, detail } = (await answer.json()) as Json
  return [answer.status, code, detail]
}

describe('an upload', () => {
  it('says what it can do, begins, takes bytes in parts and tells how far it is', async () => {
    const options = await service.request('/v1/uploads', { method: 'OPTIONS' })
    expect([options.status, Object.fromEntries(options.headers)]).toMatchObject([
      204,
      {
        'tus-version': '1.0.0',
        'tus-extension': 'creation,expiration,checksum,termination',
        'tus-max-size': '400000000',
        'tus-checksum-algorithm': 'sha256,sha512,sha1',
      },
    ])
    expect(options.headers.get('access-control-allow-origin')).toBe(null)
    const begun = await service.request('/v1/uploads', {
      method: 'POST',
      headers: { ...TUS, 'upload-length': '5', 'upload-metadata': `filename ${btoa('a.csv')},note` },
    })
    expect(begun.status).toBe(201)
    expect(Date.parse(begun.headers.get('upload-expires') ?? '')).toBeGreaterThan(Date.now() + 23 * 3_600_000)
    const upload = (await begun.json()) as Json
    expect(begun.headers.get('location')).toBe(`/v1/uploads/${upload.id}`)
    expect(upload).toMatchObject({
      metadata: { filename: 'a.csv', note: null },
      bytes: 5,
      receivedBytes: 0,
      isWhole: false,
    })
    const first = await sendBytes(service, upload.id, 0, HELLO.subarray(0, 2))
    expect([first.status, first.headers.get('upload-offset')]).toEqual([204, '2'])
    const head = await service.request(`/v1/uploads/${upload.id}`, { method: 'HEAD', headers: TUS })
    expect(Object.fromEntries(head.headers)).toMatchObject({
      'upload-offset': '2',
      'upload-length': '5',
      'cache-control': 'no-store',
      'upload-metadata': `filename ${btoa('a.csv')},note`,
    })
    const last = await sendBytes(service, upload.id, 2, HELLO.subarray(2))
    expect([last.status, last.headers.get('upload-offset')]).toEqual([204, '5'])
    expect(await service.json(`/v1/uploads/${upload.id}`)).toMatchObject({ receivedBytes: 5, isWhole: true })
    expect(await hashUpload(upload.id)).toBe(hashOf(HELLO))
    const { data } = await service.json('/v1/uploads?limit=1')
    expect(data).toMatchObject([{ id: upload.id }])
  })

  it('is begun once for each Idempotency-Key', async () => {
    const headers = { ...TUS, 'upload-length': '5', 'idempotency-key': 'begin-1' }
    const begin = () => service.request('/v1/uploads', { method: 'POST', headers })
    const [first, second] = [await begin(), await begin()]
    expect(second.headers.get('idempotency-replayed')).toBe('true')
    expect(second.headers.get('location')).toBe(first.headers.get('location'))
  })

  it('keeps what came before the connection broke, and goes on there, through any process', async () => {
    const bytes = randomBytes(3 * MEBIBYTE)
    const id = await beginUpload(service, bytes.length)
    const slow = openSlowRequest(service.url, id, 0, bytes.length)
    slow.write(bytes.subarray(0, 1_000_000))
    await until(async () => (await draftBytes()) >= 1_000_000, { what: 'bytes on the disk' })
    slow.breakOff()
    await until(async () => (await offsetOf(service, id)) === 1_000_000, {
      what: 'the part before the break',
    })
    const other = await service.startOtherApi({})
    const elsewhere = {
      ...service,
      request: (path: string, init?: RequestInit) => requestAt(other.url, path, init),
    }
    const middle = await sendBytes(elsewhere, id, 1_000_000, bytes.subarray(1_000_000, 2_000_000))
    expect(middle.headers.get('upload-offset')).toBe('2000000')
    await other.end('SIGTERM')
    expect((await sendBytes(service, id, 2_000_000, bytes.subarray(2_000_000))).status).toBe(204)
    expect(await hashUpload(id)).toBe(hashOf(bytes))
  })

  it('of a client that came back belongs to its new request; the forgotten one can write no more', async () => {
    const id = await beginUpload(service, 10)
    const forgotten = openSlowRequest(service.url, id, 0, 10)
    forgotten.write(Buffer.from('fghij'))
    await until(async () => (await query('SELECT writer FROM uploads WHERE id = $1', [id]))[0].writer === 1)
    expect((await sendBytes(service, id, 0, HELLO)).status).toBe(204)
    forgotten.write(Buffer.from('abcde'))
    forgotten.end()
    expect(await forgotten.status).toBe(409)
    expect(await offsetOf(service, id)).toBe(5)
    expect(await hashUpload(id)).toBe(hashOf(HELLO))
  })

  it.each([
    ['sha256', 'sha256'],
    ['sha1', 'sha1'],
    ['sha512', 'sha512'],
  ])('is checked by Upload-Checksum with %s: wrong bytes are not kept, right ones are', async algorithm => {
    const id = await beginUpload(service, 5)
    const checksum = (bytes: Uint8Array) => ({
      'upload-checksum': `${algorithm} ${digestOf(bytes, algorithm)}`,
    })
    const wrong = sendBytes(service, id, 0, HELLO, checksum(Buffer.from('hellO')))
    expect((await problem(wrong)).slice(0, 2)).toEqual([460, 'CHECKSUM_MISMATCH'])
    expect(await offsetOf(service, id)).toBe(0)
    expect((await sendBytes(service, id, 0, HELLO, checksum(HELLO))).status).toBe(204)
    expect(await offsetOf(service, id)).toBe(5)
  })

  it('is checked by Content-Digest too, each algorithm that it names', async () => {
    const id = await beginUpload(service, 5)
    const digest = (first: Uint8Array, second: Uint8Array) => ({
      'content-digest': `sha-256=:${digestOf(first)}:, sha-512=:${digestOf(second, 'sha512')}:`,
    })
    for (const headers of [digest(Buffer.from('other'), HELLO), digest(HELLO, Buffer.from('other'))]) {
      const refused = await problem(sendBytes(service, id, 0, HELLO, headers))
      expect(refused.slice(0, 2)).toEqual([422, 'DIGEST_MISMATCH'])
    }
    expect(await offsetOf(service, id)).toBe(0)
    expect((await sendBytes(service, id, 0, HELLO, digest(HELLO, HELLO))).status).toBe(204)
  })

  it('whose announced bytes do not all come keeps none of them', async () => {
    const id = await beginUpload(service, 10)
    const cut = sendBytes(service, id, 0, HELLO, {
      'upload-checksum': `sha256 ${digestOf(Buffer.from('hello world'))}`,
    })
    expect((await cut).status).toBe(460)
    expect(await offsetOf(service, id)).toBe(0)
  })

  it('is another key’s for nobody else', async () => {
    const id = await uploadFile(service, HELLO)
    const headers = { ...TUS, authorization: `Bearer ${OTHER_KEY}` }
    const theirs = (method: string) => service.request(`/v1/uploads/${id}`, { method, headers })
    expect((await theirs('HEAD')).status).toBe(404)
    expect((await theirs('GET')).status).toBe(404)
    expect(await problem(theirs('DELETE'))).toMatchObject([404, 'UPLOAD_NOT_FOUND', expect.anything()])
    expect((await sendBytes(service, id, 5, HELLO, headers)).status).toBe(404)
    const { data } = (await (await service.request('/v1/uploads', { headers })).json()) as Json
    expect(data).toEqual([])
    expect(await offsetOf(service, id)).toBe(5)
  })

  it('is over when it was left alone for too long, and then deleted', async () => {
    const id = await beginUpload(service, 10)
    await sendBytes(service, id, 0, HELLO)
    await query("UPDATE uploads SET expires_at = now() - interval '1 s' WHERE id = $1", [id])
    const head = await service.request(`/v1/uploads/${id}`, { method: 'HEAD', headers: TUS })
    expect(head.status).toBe(410)
    expect(await problem(sendBytes(service, id, 5, HELLO))).toMatchObject([
      410,
      'UPLOAD_EXPIRED',
      expect.anything(),
    ])
    const alive = await beginUpload(service, 10)
    const db = createDatabase({ url: service.databaseUrl, poolSize: 1, onError: () => {} })
    onTestFinished(() => db.$disconnect())
    expect(await deleteExpiredUploads(db)).toBe(1)
    expect((await service.request(`/v1/uploads/${id}`)).status).toBe(404)
    expect(await query('SELECT 1 FROM upload_parts WHERE upload_id = $1', [id])).toEqual([])
    expect(await offsetOf(service, alive)).toBe(0)
  })

  it('can be given up', async () => {
    const id = await uploadFile(service, HELLO)
    const response = await service.request(`/v1/uploads/${id}`, { method: 'DELETE', headers: TUS })
    expect(response.status).toBe(204)
    expect((await service.request(`/v1/uploads/${id}`)).status).toBe(404)
  })
})

describe('a request is refused', () => {
  const begin = (headers: Record<string, string>) =>
    service.request('/v1/uploads', { method: 'POST', headers })

  it('without the version of the protocol', async () => {
    const response = await begin({ 'upload-length': '5' })
    expect([response.status, response.headers.get('tus-version')]).toEqual([412, '1.0.0'])
    expect(((await response.json()) as Json).code).toBe('TUS_VERSION_REQUIRED')
    expect((await begin({ 'tus-resumable': '2.0.0', 'upload-length': '5' })).status).toBe(412)
  })

  it.each([
    ['no length', {}, 422, 'VALIDATION_FAILED', 'upload-length'],
    ['a length that comes later', { 'upload-defer-length': '1' }, 422, 'VALIDATION_FAILED', 'upload-length'],
    ['a length that is none', { 'upload-length': '-1' }, 422, 'VALIDATION_FAILED', 'upload-length'],
    ['too great a length', { 'upload-length': '400000001' }, 413, 'PAYLOAD_TOO_LARGE', '400000000 bytes'],
    [
      'metadata that is no base64',
      { 'upload-length': '1', 'upload-metadata': 'a $' },
      400,
      'MALFORMED_REQUEST',
      '',
    ],
    [
      'metadata that cannot be kept',
      { 'upload-length': '1', 'upload-metadata': `a ${btoa('\0')}` },
      422,
      'VALIDATION_FAILED',
      'NUL',
    ],
  ] as const)('that begins an upload with %s', async (_, headers, status, code, part) => {
    const [gotStatus, gotCode, detail] = await problem(begin({ ...TUS, ...headers }))
    expect([gotStatus, gotCode]).toEqual([status, code])
    expect(detail).toContain(part)
  })

  it.each([
    ['from a wrong offset', 3, {}, HELLO, 409, 'UPLOAD_OFFSET_WRONG', 'must be 0'],
    [
      'from an offset that is none',
      0,
      { 'upload-offset': 'x' },
      HELLO,
      400,
      'MALFORMED_REQUEST',
      'upload-offset',
    ],
    ['more than the length', 0, {}, Buffer.alloc(11), 413, 'PAYLOAD_TOO_LARGE', '10 bytes'],
    [
      'of another type',
      0,
      { 'content-type': 'text/csv' },
      HELLO,
      415,
      'UNSUPPORTED_MEDIA_TYPE',
      'octet-stream',
    ],
    [
      'with an unknown checksum',
      0,
      { 'upload-checksum': 'md5 eA==' },
      HELLO,
      400,
      'MALFORMED_REQUEST',
      'sha256',
    ],
    [
      'with an unknown digest',
      0,
      { 'content-digest': 'md5=:eA==:' },
      HELLO,
      422,
      'VALIDATION_FAILED',
      'sha-256',
    ],
  ] as const)('that sends bytes %s', async (_, offset, headers, bytes, status, code, part) => {
    const id = await beginUpload(service, 10)
    const [gotStatus, gotCode, detail] = await problem(sendBytes(service, id, offset, bytes, headers))
    expect([gotStatus, gotCode]).toEqual([status, code])
    expect(detail).toContain(part)
    expect(await offsetOf(service, id)).toBe(0)
  })

  it('that sends more than the length in chunks of unknown size', async () => {
    const id = await beginUpload(service, 10)
    const response = await service.request(`/v1/uploads/${id}`, {
      method: 'PATCH',
      headers: { ...TUS, 'upload-offset': '0', 'content-type': 'application/offset+octet-stream' },
      body: new Blob([new Uint8Array(1_000)]).stream(),
      duplex: 'half',
    } as RequestInit)
    expect([response.status, ((await response.json()) as Json).code]).toEqual([413, 'PAYLOAD_TOO_LARGE'])
    expect(await offsetOf(service, id)).toBe(0)
  })
})

it('an API that is killed in the middle of an upload costs the last part at most; another goes on', async () => {
  const bytes = randomBytes(40 * MEBIBYTE)
  const id = await beginUpload(service, bytes.length)
  const slow = openSlowRequest(service.url, id, 0, bytes.length)
  slow.write(bytes.subarray(0, 36 * MEBIBYTE))
  const offset = await until(async () => (await offsetOf(service, id)) === 32 * MEBIBYTE && 32 * MEBIBYTE)
  await service.api.end('SIGKILL')
  expect(await slow.status).toBe(null)
  await service.startApi()
  expect(await offsetOf(service, id)).toBe(offset)
  expect((await sendBytes(service, id, offset, bytes.subarray(offset))).status).toBe(204)
  expect(await hashUpload(id)).toBe(hashOf(bytes))
})

it('300 MB in one request take little memory', async () => {
  const memory = (field: string) =>
    Number(
      new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${service.api.pid}/status`, 'utf8'))?.[1],
    ) / 1024
  const total = 300_000_000
  const id = await beginUpload(service, total)
  const before = memory('VmRSS')
  const piece = randomBytes(1_000_000)
  async function* pieces() {
    for (let sent = 0; sent < total; sent += piece.length) yield piece
  }
  const response = await service.request(`/v1/uploads/${id}`, {
    method: 'PATCH',
    headers: { ...TUS, 'upload-offset': '0', 'content-type': 'application/offset+octet-stream' },
    body: pieces() as unknown as ReadableStream, // undici takes any iterable
    duplex: 'half',
  } as RequestInit)
  expect([response.status, response.headers.get('upload-offset')]).toEqual([204, String(total)])
  expect(memory('VmHWM') - before).toBeLessThan(120)
})

async function draftBytes(): Promise<number> {
  const folder = `${service.dataDir}/drafts`
  const sizes = (await readdir(folder)).map(async name => (await stat(`${folder}/${name}`)).size)
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

function requestAt(url: string, path: string, init: RequestInit = {}): Promise<Response> {
  const authorization = `Bearer ${TEST_KEY}`
  return fetch(`${url}${path}`, { ...init, headers: { authorization, ...init.headers } })
}
