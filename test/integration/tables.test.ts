import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { beforeAll, describe, expect, it } from 'vitest'
import { releaseAfterFile } from '../helpers/release.ts'
import { type Json, startTestService, type TestService } from '../helpers/service.ts'
import { until } from '../helpers/until.ts'

const BYTES_MAX = 3_000_000
const ROWS = 500
const CITIES = ['Bern', 'Oslo', 'Rome']

const release = releaseAfterFile()
let service: TestService

beforeAll(async () => {
  service = await startTestService({
    release,
    environment: { TRAINYARD_UPLOAD_BYTES_MAX: String(BYTES_MAX) },
  })
})

const rows = Array.from({ length: ROWS }, (_, row) => ({
  area: row % 4 === 3 ? null : Math.sin(row) * 100,
  city: CITIES[row % 3] ?? '',
  isNew: row % 5 === 0,
  price: row * 1.25,
}))

const csv = `area,city,isNew,price\n${rows.map(row => Object.values(row).join(',')).join('\n')}\n`
const jsonl = rows.map(row => JSON.stringify(row)).join('\n')
const parquet = parquetWriteBuffer({
  columnData: [
    { name: 'area', data: rows.map(({ area }) => area), type: 'DOUBLE' },
    { name: 'city', data: rows.map(({ city }) => city), type: 'STRING' },
    { name: 'isNew', data: rows.map(({ isNew }) => isNew), type: 'BOOLEAN' },
    { name: 'price', data: rows.map(({ price }) => price), type: 'DOUBLE' },
  ],
})

/** What a Blob is made of. */
type FileContent = string | ArrayBuffer | Uint8Array<ArrayBuffer>

function upload(file: FileContent, parts: Record<string, string> = {}, query = ''): Promise<Response> {
  const form = new FormData()
  for (const [name, value] of Object.entries({ name: 'houses', ...parts })) form.append(name, value)
  form.append('file', new Blob([file]), 'file')
  return service.request(`/v1/datasets${query}`, { method: 'POST', body: form })
}

/** Files that uploads are written to before they are kept. */
const drafts = () => readdir(path.join(service.dataDir, 'drafts')).catch(() => [])

describe('a table', () => {
  it('is the same dataset as CSV, JSON Lines and Parquet, packed or not', async () => {
    const files: [string, FileContent][] = [
      ['csv', csv],
      ['csv', new Uint8Array(gzipSync(csv))],
      ['jsonl', jsonl],
      ['jsonl', new Uint8Array(gzipSync(jsonl))],
      ['parquet', parquet],
      ['parquet', new Uint8Array(gzipSync(new Uint8Array(parquet)))],
    ]
    const hashes = new Set<string>()
    for (const [format, file] of files) {
      const response = await upload(file, { format })
      const dataset = (await response.json()) as Json
      expect(response.status, JSON.stringify(dataset)).toBe(201)
      expect(dataset).toMatchObject({
        format,
        kind: 'table',
        targets: ['price'],
        splits: { train: { examples: ROWS } },
      })
      hashes.add(dataset.sha256)
    }
    expect(hashes.size).toBe(1)
    expect(await drafts()).toEqual([])
  })

  it('is shown before it is stored', async () => {
    const response = await upload(parquet, { target: 'city' }, '?dryRun=true')
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({
      format: 'parquet',
      task: 'classification',
      classes: CITIES,
      columns: [{ name: 'area', missing: ROWS / 4 }, { name: 'isNew', type: 'boolean' }, { name: 'price' }],
      examples: [{ label: 'Bern', features: [0, true, 0] }, {}, {}, {}, {}],
    })
    expect(await drafts()).toEqual([])
  })
})

describe('a table is refused while it is sent, with nothing left of it,', () => {
  it.each([
    ['a row that never ends', 'a,label\n1,x\n', 'a row may have 2097152 bytes'],
    ['more bytes than may be', `a,label\n${'1,x\n'.repeat(10)}`, `${BYTES_MAX} bytes`],
  ])('for %s', async (title, start, says) => {
    const isRow = title.startsWith('a row')
    const piece = Buffer.from((isRow ? '1' : '1,x\n').repeat(isRow ? 65_536 : 16_384))
    async function* body() {
      const head = (name: string) => `--edge\r\ncontent-disposition: form-data; name="${name}"`
      yield Buffer.from(`${head('name')}\r\n\r\nlong\r\n${head('file')}; filename="f"\r\n\r\n${start}`)
      for (let sent = 0; sent < 40; sent++) yield piece
      if (!isRow) for (let sent = 0; sent < 40; sent++) yield piece
      yield Buffer.from('\r\n--edge--\r\n')
    }
    const response = await service.request('/v1/datasets', {
      method: 'POST',
      headers: { 'content-type': 'multipart/form-data; boundary=edge' },
      body: body(),
      duplex: 'half',
    } as RequestInit)
    const problem = (await response.json()) as Json
    expect(response.status).toBe(413)
    expect(problem).toMatchObject({ code: 'PAYLOAD_TOO_LARGE', errors: [{ pointer: '/file' }] })
    expect(problem.detail).toContain(says)
    await until(async () => (await drafts()).length === 0)
  })

  it('for a row that is too short, by its line', async () => {
    const response = await upload(`${csv}7\n`)
    expect(response.status).toBe(422)
    expect(await response.json()).toMatchObject({
      code: 'DATASET_INVALID',
      errors: [
        { pointer: '/file', detail: `line ${ROWS + 2}: a row must have 4 fields like the first; received 1` },
      ],
    })
    expect(await drafts()).toEqual([])
  })
})
