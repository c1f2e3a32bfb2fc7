import { readFileSync } from 'node:fs'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { describe, expect, it } from 'vitest'
import { readParquet } from '../../../../src/datasets/formats/parquet/read-parquet.ts'
import { createColumnEncoder } from '../../../../src/datasets/tables/column-encoder.ts'
import { receiveDataset, type UploadPart } from '../../../../src/datasets/upload.ts'
import { AppError } from '../../../../src/errors.ts'
import { createImageDecoder } from '../../../../src/images/decode-image.ts'
import { createTestFolder } from '../../../helpers/folder.ts'
import { createUploader, type Parts } from '../../../helpers/upload.ts'

/** A file and what is said of it. */
interface Case {
  title: string
  file: string | Uint8Array
  parts?: Parts
  /** All that the message must name. */
  says: (string | RegExp)[]
  code?: string
  pointer?: string
}

const row = (line: number) => `line ${line}`
const many = (count: number, make: (row: number) => string) =>
  Array.from({ length: count }, (_, index) => make(index)).join('')

const CSV: Case[] = [
  { title: 'nothing', file: '', says: ['empty file'] },
  { title: 'line breaks only', file: '\n\r\n\n', says: ['empty file'] },
  { title: 'a header only', file: 'a,label\n', says: ['must have training rows'] },
  { title: 'one column', file: 'a\n1\n2\n', says: ['"a"', 'beside what is to be learnt'] },
  { title: 'a row too short', file: 'a,b,label\n1,2,x\n1,2\n', says: [row(3), '3 fields', 'received 2'] },
  { title: 'a row too long', file: 'a,b,label\n1,2,x\n1,2,3,y\n', says: [row(3), 'received 4'] },
  { title: 'a row too short after quoted line breaks', file: 'a,label\n"x\ny",1\n2\n', says: [row(4)] },
  {
    title: 'a row too short beyond the first piece',
    file: `a,label\n${many(20_000, at => `${at},${at % 2}\n`)}7\n`,
    says: [row(20_002)],
  },
  { title: 'a NUL byte', file: 'a,label\n1,x\n2,y\0\n', says: [row(3), 'NUL'] },
  { title: 'a NUL byte in the header', file: 'a\0,label\n1,x\n', says: [row(1), 'NUL'] },
  {
    title: 'bytes that are no UTF-8',
    file: Buffer.from('a,label\n1,x\n2,\xe9\n', 'latin1'),
    says: [row(3), 'UTF-8'],
  },
  { title: 'UTF-16', file: Buffer.from('\ufeffa,label\n1,x\n', 'utf16le'), says: ['line 1', 'NUL'] },
  { title: 'infinity', file: 'a,label\n1,x\ninf,y\n', says: [row(3), '"a"', 'finite', '"inf"'] },
  { title: 'a number beyond float64', file: 'a,label\n1,x\n1e999,y\n', says: [row(3), '"a"', 'finite'] },
  { title: 'minus infinity as target', file: 'a,label\n1,2.5\n2,-Infinity\n', says: [row(3), '"label"'] },
  { title: 'a target without value', file: 'a,label\n1,x\n2,\n', says: [row(3), '"label"', 'received none'] },
  { title: 'a target of nan', file: 'a,label\n1,0.5\n2,nan\n', says: [row(3), '"label"'] },
  {
    title: 'a column without any value',
    file: 'a,b,label\n1,,x\n2,NA,y\n',
    says: ['"b"', 'must have a value'],
  },
  { title: 'one class', file: 'a,label\n1,x\n2,x\n', says: ['two classes', '"x"'] },
  { title: 'one name twice', file: 'a,a,label\n1,2,x\n', says: ['"a"', 'twice'] },
  { title: 'a quote that is never closed', file: 'a,label\n"1,x\n2,y\n', says: [row(2), 'closed'] },
  { title: 'a quote within a field', file: 'a,label\n1"2,x\n', says: [row(2), 'quote'] },
  { title: 'text after a closing quote', file: 'a,label\n"1"2,x\n', says: [row(2), 'closing quote'] },
  {
    title: 'another delimiter than said',
    file: 'a;label\n1;x\n',
    parts: { delimiter: ',' },
    says: ['"a;label"'],
  },
  {
    title: 'text where numbers were said',
    file: 'a,label\n1,x\nfew,y\n',
    parts: { columns: '{"a":"numeric"}' },
    says: [row(3), '"a"', 'a number', '"few"'],
  },
  {
    title: 'a day that is none',
    file: 'a,label\n2024-02-29,x\n2023-02-29,y\n',
    parts: { columns: '{"a":"datetime"}' },
    says: [row(3), '2023-02-29'],
  },
  {
    title: 'text where truth values were said',
    file: 'a,label\nyes,x\nmaybe,y\n',
    parts: { columns: '{"a":"boolean"}' },
    says: [row(3), '"maybe"'],
  },
  {
    title: 'text to be learnt as numbers',
    file: 'a,label\n1,2\n2,x\n',
    parts: { task: 'regression' },
    says: [row(3), '"label"', '"x"'],
  },
  {
    title: 'an unknown split',
    file: 'a,use,label\n1,train,x\n2,extra,y\n',
    parts: { splitColumn: 'use' },
    says: [row(3), '"use"', '"extra"'],
  },
  {
    title: 'an unknown target',
    file: 'a,label\n1,x\n',
    parts: { target: 'price' },
    says: ['"a", "label"', '"price"'],
    code: 'VALIDATION_FAILED',
    pointer: '/target',
  },
  {
    title: 'another format than said',
    file: 'a,label\n1,x\n',
    parts: { format: 'parquet' },
    says: ['parquet', 'csv'],
  },
  {
    title: 'a row of 3 MB',
    file: `a,label\n${'9'.repeat(3_000_000)},x\n`,
    says: [row(2), '2097152 bytes'],
    code: 'PAYLOAD_TOO_LARGE',
  },
  {
    title: 'a header of 3 MB',
    file: `${'a,'.repeat(1_500_000)}label\n1,x\n`,
    says: ['line 1'],
    code: 'PAYLOAD_TOO_LARGE',
  },
  {
    title: '20,000 columns',
    file: `${many(20_000, at => `c${at},`)}label\n${'1,'.repeat(20_000)}x\n`,
    says: ['16384 columns', '20001'],
  },
]

const JSONL: Case[] = [
  { title: 'a list of objects', file: '[{"a":1,"label":2}]', says: ['line 1', 'object on each line'] },
  {
    title: 'an object over several lines',
    file: '{\n"a": 1,\n"label": 2\n}\n',
    says: ['line 1', 'key in quotes'],
  },
  {
    title: 'two objects on a line',
    file: '{"a":1,"label":2} {"a":1,"label":2}\n',
    says: ['line 1', 'line break after'],
  },
  { title: 'a line that is no object', file: '{"a":1,"label":2}\n7\n', says: [row(2), 'object'] },
  { title: 'a line that is cut off', file: '{"a":1,"label":2}\n{"a":1,"lab', says: [row(2), 'key'] },
  { title: 'a comma too many', file: '{"a":1,"label":2,}\n', says: ['line 1', 'key'] },
  {
    title: 'a key without quotes',
    file: '{a:1,"label":2}\n',
    says: ['line 1', 'key in quotes', '{'.replace('{', 'a:1')],
  },
  {
    title: 'one key twice',
    file: '{"a":1,"label":2}\n{"a":1,"label":2,"\\u0061":3}\n',
    says: [row(2), '"a" twice'],
  },
  { title: 'NaN', file: '{"a":1,"label":2}\n{"a":NaN,"label":2}\n', says: [row(2), '"a"', 'write null'] },
  { title: 'minus infinity', file: '{"a":-Infinity,"label":2}\n', says: ['line 1', '"a"', 'write null'] },
  { title: 'a number beyond float64', file: '{"a":1e999,"label":2}\n', says: ['line 1', '"a"', 'finite'] },
  ...['01', '1.', '.5', '+1', '0x10', '1e', '--1', "'x'", 'True', 'undefined'].map(value => ({
    title: `the value ${value}`,
    file: `{"a":1,"label":2}\n{"a":${value},"label":2}\n`,
    says: [row(2)],
  })),
  { title: 'a text that is not closed', file: '{"a":"x,"label":2}\n', says: ['line 1'] },
  { title: 'an escape that is none', file: '{"a":"\\x","label":2}\n', says: ['line 1', '"a"'] },
  {
    title: 'a tab within a text',
    file: '{"a":"x\ty","label":2}\n',
    says: ['line 1', '"a"', 'control characters'],
  },
  {
    title: 'half a character',
    file: '{"a":"\\ud800","label":2}\n{"a":"y","label":3}\n',
    says: ['line 1', '"a"', 'Unicode'],
  },
  { title: 'a NUL in a text', file: '{"a":"x\\u0000","label":2}\n', says: ['line 1', '"a"', 'NUL'] },
  { title: 'a NUL in a key', file: '{"a\\u0000":1,"label":2}\n', says: ['NUL'] },
  { title: 'a key without letters', file: '{"":1,"label":2}\n', says: ['must have a name'] },
  { title: 'a NUL byte', file: '{"a":1,"label":2}\n{"a":\0,"label":2}\n', says: [row(2), 'NUL'] },
  {
    title: 'bytes that are no UTF-8',
    file: Buffer.from('{"a":"\xe9","label":2}\n', 'latin1'),
    says: ['line 1', 'UTF-8'],
  },
  {
    title: 'vectors of different lengths',
    file: '{"f":[1,2],"label":2}\n{"f":[1],"label":2}\n',
    says: [row(2), '"f"', '2 elements', 'received 1'],
  },
  {
    title: 'a vector of texts',
    file: '{"f":[1,"x"],"label":2}\n',
    says: ['line 1', '"f"', 'must hold numbers'],
  },
  {
    title: 'a vector of vectors',
    file: '{"f":[[1]],"label":2}\n',
    says: ['line 1', '"f"', 'must hold numbers'],
  },
  {
    title: 'a value that was an object',
    file: '{"f":{"x":1},"label":2}\n{"f":1,"label":2}\n',
    says: [row(2), '"f"', 'an object as before'],
  },
  {
    title: 'an object that was a value',
    file: '{"f":1,"label":2}\n{"f":{"x":1},"label":2}\n',
    says: [row(2), '"f"'],
  },
  {
    title: 'objects nested 9 deep',
    file: `${'{"a":'.repeat(9)}1${'}'.repeat(9)}\n`,
    says: ['line 1', 'nested 8 deep'],
  },
  {
    title: 'objects nested a million deep',
    file: '{"a":'.repeat(400_000),
    says: ['line 1', 'nested 8 deep'],
  },
  {
    title: 'an inner key that is an outer one',
    file: '{"a.b":1,"a":{"b":2},"label":2}\n',
    says: ['"a.b"', 'twice'],
  },
  { title: 'a row without its target', file: '{"a":1,"label":2}\n{"a":1}\n', says: [row(2), '"label"'] },
  {
    title: 'new keys without end',
    file: many(20_000, at => `{"k${at}":1,"label":2}\n`),
    says: ['16384 columns'],
  },
  {
    title: 'a line of 3 MB',
    file: `{"a":"${'x'.repeat(3_000_000)}","label":2}\n`,
    says: ['line 1', '2097152 bytes'],
    code: 'PAYLOAD_TOO_LARGE',
  },
  { title: 'one class', file: '{"a":1,"label":"x"}\n{"a":2,"label":"x"}\n', says: ['two classes'] },
  { title: 'empty objects', file: '{}\n{}\n', says: ['beside what is to be learnt'] },
]

const ROWS = 400
const VALID = Buffer.from(
  parquetWriteBuffer({
    columnData: [
      {
        name: 'a',
        data: Float64Array.from({ length: ROWS }, (_, at) => Math.sin(at)),
        type: 'DOUBLE',
        nullable: false,
      },
      { name: 'b', data: Array.from({ length: ROWS }, (_, at) => (at % 3 === 0 ? null : at)), type: 'INT32' },
      {
        name: 'city',
        data: Array.from({ length: ROWS }, (_, at) => ['Oslo', 'Bern'][at % 2]),
        type: 'STRING',
      },
      { name: 'flag', data: Array.from({ length: ROWS }, (_, at) => at % 5 === 0), type: 'BOOLEAN' },
      { name: 'label', data: Array.from({ length: ROWS }, (_, at) => at % 2), type: 'INT32' },
    ],
    rowGroupSize: 150,
    pageSize: 400,
    statistics: false,
  }),
)

const arrow = (name: string) => readFileSync(path.resolve('test', 'reference', 'parquet', `${name}.parquet`))

/** A file whose metadata are these bytes. */
function withMetadata(metadata: Uint8Array, says = metadata.length): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32LE(says)
  return Buffer.concat([Buffer.from('PAR1'), metadata, length, Buffer.from('PAR1')])
}

function tableOf(
  columns: Record<string, { data: unknown[]; type: 'DOUBLE' | 'STRING' | 'INT32' | 'BYTE_ARRAY' }>,
): Uint8Array {
  const columnData = Object.entries(columns).map(([name, { data, type }]) => ({ name, data, type }))
  return new Uint8Array(parquetWriteBuffer({ columnData }))
}

/** Lists of lists, each of which says that it has a million elements, in 5 bytes. */
const BOMB = Buffer.concat(Array.from({ length: 15 }, () => Buffer.from([0xf9, 0xff, 0xff, 0x3f])))
const DEEP = Buffer.alloc(100_000, 0x1c)
const labels = { data: ['x', 'y'], type: 'STRING' as const }

const PARQUET: Case[] = [
  { title: 'the magic alone', file: 'PAR1', says: ['has 4 bytes'] },
  { title: 'magic at both ends and nothing between', file: 'PAR1PAR1', says: ['has 8 bytes'] },
  { title: 'no magic at the end', file: VALID.subarray(0, -4), says: ['truncated'] },
  {
    title: 'metadata longer than the file',
    file: withMetadata(Buffer.alloc(10), 5_000),
    says: ['5008 bytes'],
  },
  {
    title: 'metadata of 3 GB',
    file: withMetadata(Buffer.alloc(10), 3_000_000_000),
    says: ['16777216', '3000000000'],
    code: 'PAYLOAD_TOO_LARGE',
  },
  { title: 'no metadata', file: withMetadata(Buffer.alloc(0)), says: ['ends too early'] },
  { title: 'metadata of zeros', file: withMetadata(Buffer.alloc(50)), says: ['cannot be read'] },
  {
    title: 'a list of two billion',
    file: withMetadata(Buffer.from([0x29, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07, 0])),
    says: ['ends too early'],
  },
  {
    title: 'lists in lists that claim a million each',
    file: withMetadata(Buffer.concat([Buffer.from([0x29]), BOMB])),
    says: ['metadata'],
  },
  { title: 'structs nested 100,000 deep', file: withMetadata(DEEP), says: ['nested too deep'] },
  {
    title: 'a million structs',
    file: withMetadata(Buffer.concat([Buffer.from([0x29, 0xfc, 0xc0, 0x84, 0x3d]), Buffer.alloc(1_000_001)])),
    says: ['500000 parts'],
  },
  {
    title: 'a text of 2 GB in its metadata',
    file: withMetadata(Buffer.from([0x68, 0xff, 0xff, 0xff, 0xff, 0x07, 0])),
    says: ['says more than it holds'],
  },
  {
    title: 'random metadata',
    file: withMetadata(Buffer.from(Array.from({ length: 500 }, (_, at) => (at * 7919) % 251))),
    says: ['metadata'],
  },
  {
    title: 'encryption',
    file: Buffer.concat([VALID.subarray(0, -4), Buffer.from('PARE')]),
    says: ['encrypted'],
  },
  { title: 'a nested column', file: arrow('nested'), says: ['"tags"', 'lists'] },
  { title: 'a time of day', file: arrow('time'), says: ['"at"', 'TIME'] },
  {
    title: 'a text that is no UTF-8',
    file: tableOf({
      a: { data: [Uint8Array.of(0xff), Uint8Array.of(0x41)], type: 'BYTE_ARRAY' },
      label: labels,
    }),
    says: ['row 1', '"a"', 'UTF-8'],
  },
  {
    title: 'a text with NUL',
    file: tableOf({ a: { data: ['x', 'y\0'], type: 'STRING' }, label: labels }),
    says: ['row 2', '"a"', 'NUL'],
  },
  {
    title: 'infinity',
    file: tableOf({ a: { data: [1, Number.POSITIVE_INFINITY], type: 'DOUBLE' }, label: labels }),
    says: ['row 2', '"a"', 'finite'],
  },
  {
    title: 'a target without value',
    file: tableOf({ a: { data: [1, 2], type: 'DOUBLE' }, label: { data: ['x', null], type: 'STRING' } }),
    says: ['row 2', '"label"', 'received none'],
  },
  {
    title: 'a column without any value',
    file: tableOf({
      a: { data: [1, 2], type: 'DOUBLE' },
      b: { data: [null, null], type: 'DOUBLE' },
      label: labels,
    }),
    says: ['"b"', 'must have a value'],
  },
  {
    title: 'one class',
    file: tableOf({ a: { data: [1, 2], type: 'DOUBLE' }, label: { data: ['x', 'x'], type: 'STRING' } }),
    says: ['two classes'],
  },
  { title: 'one column', file: tableOf({ label: labels }), says: ['beside what is to be learnt'] },
  {
    title: 'no rows',
    file: tableOf({ a: { data: [], type: 'DOUBLE' }, label: { data: [], type: 'STRING' } }),
    says: ['must have rows'],
  },
  { title: 'a damaged page with a checksum', file: damage(arrow('none'), 200), says: ['checksum'] },
  { title: 'a CSV that begins like it', file: 'PAR1,label\n1,x\n2,y\nPAR1,z\n', says: ['Parquet'] },
]

function damage(file: Buffer, at: number, by = 0x55): Buffer {
  const copy = Buffer.from(file)
  copy.writeUInt8(copy.readUInt8(at) ^ by, at)
  return copy
}

async function refuse(file: string | Uint8Array, parts: Parts = {}): Promise<AppError> {
  const uploader = createUploader(await createTestFolder())
  const bytes = typeof file === 'string' ? Buffer.from(file) : file
  const error = await uploader.upload({ ...parts, file: bytes }).catch((thrown: unknown) => thrown)
  if (!(error instanceof AppError)) throw new Error('the file must be refused', { cause: error })
  expect(await uploader.files()).toEqual({ blobs: [], drafts: [] })
  return error
}

describe.each([
  ['CSV', CSV],
  ['JSON Lines', JSONL],
  ['Parquet', PARQUET],
])('%s is refused, and nothing of it kept, for', (_, cases) => {
  it.each(cases)('$title', async ({ file, parts, says, code = 'DATASET_INVALID', pointer = '/file' }) => {
    const error = await refuse(file, parts)
    expect(error).toMatchObject({ code, errors: [{ pointer }] })
    for (const part of says) expect(error.message).toMatch(part)
  })
})

describe('a file that is cut off', () => {
  const rows = many(3_000, at => `${at % 7},${(at * 0.37).toFixed(3)},"city, ${at % 5}",${at % 2}\n`)
  const csv = Buffer.from(`a,b,city,label\n${rows}`)
  const prefixes = (file: Buffer) =>
    Array.from({ length: Math.ceil(file.length / 4_096) }, (_, at) => file.subarray(0, at * 4_096))

  it('is refused at every 4 KiB, as Parquet', async () => {
    const file = new Uint8Array(
      parquetWriteBuffer({
        columnData: [
          { name: 'a', data: Float64Array.from({ length: 6_000 }, (_, at) => Math.sin(at)), type: 'DOUBLE' },
          { name: 'label', data: Int32Array.from({ length: 6_000 }, (_, at) => at % 2), type: 'INT32' },
        ],
      }),
    )
    const cut = prefixes(Buffer.from(file)).slice(1)
    expect(cut.length).toBeGreaterThan(10)
    for (const prefix of cut) expect(await refuse(prefix)).toMatchObject({ code: 'DATASET_INVALID' })
  })

  it.each([
    ['CSV', csv],
    ['JSON Lines', Buffer.from(many(2_000, at => `{"a":${Math.sin(at)},"label":${at % 2}}\n`))],
    ['Parquet', VALID],
  ])('is refused anywhere, as %s packed with gzip', async (_, file) => {
    const packed = gzipSync(file, { level: 1 })
    for (const at of [1, 5, 20, packed.length >> 1, packed.length - 9, packed.length - 1]) {
      expect(await refuse(packed.subarray(0, at))).toMatchObject({ code: 'DATASET_INVALID' })
    }
  })

  it('is a shorter table or refused by its line, as text', async () => {
    const jsonl = Buffer.from(many(2_000, at => `{"a":${Math.sin(at)},"label":${at % 2}}\n`))
    for (const file of [csv, jsonl]) {
      const uploader = createUploader(await createTestFolder())
      const outcomes = await Promise.all(
        prefixes(file)
          .slice(1)
          .map(prefix =>
            uploader.upload({ file: prefix }).then(({ splits }) => splits.train?.examples, String),
          ),
      )
      outcomes.forEach((outcome, at) => {
        const lines = prefixes(file)[at + 1]?.filter(byte => byte === 0x0a).length ?? 0
        if (typeof outcome === 'number') expect(Math.abs(outcome - lines)).toBeLessThanOrEqual(1)
        else expect(outcome).toMatch(new RegExp(`line ${lines + 1}\\b`))
      })
      expect((await uploader.files()).drafts).toEqual([])
    }
  })
})

describe('a Parquet file with any byte changed', () => {
  /** Reads it from memory, and keeps nothing. */
  async function read(bytes: Buffer): Promise<void> {
    const file = {
      bytes: bytes.length,
      readRange: async (offset: number, length: number) => bytes.subarray(offset, offset + length),
    }
    const open = async (names: readonly string[]) =>
      names.map((name, index) => createColumnEncoder({ name, index, role: 'feature', declared: null }))
    const place = { unit: 'row' as const, number: 0 }
    const flush = async () => {}
    const nothing = () => {}
    const sink = { place, row: new Float64Array(9), open, openSome: open, settle: nothing, endRow: nothing }
    await readParquet(file, 1_000_000, { ...sink, refuseRow: nothing, endRows: nothing, flush })
  }

  it.each([1, 0x80])('by %i is refused as such, or a table', async by => {
    await read(VALID)
    let refused = 0
    for (let at = 4; at < VALID.length; at++) {
      const error = await read(damage(VALID, at, by)).catch((thrown: unknown) => thrown)
      if (error === undefined) continue
      expect(error, `byte ${at}: ${error}`).toBeInstanceOf(AppError)
      refused++
    }
    expect(refused).toBeGreaterThan(VALID.length / 10)
  })
})

describe('a line of a gigabyte', () => {
  it.each(['a,label\n1,x\n', '{"a":1,"label":"x"}\n{"a":"'])(
    'after %j is refused once it is over the limit',
    async start => {
      const uploader = createUploader(await createTestFolder())
      let sent = 0
      async function* pieces() {
        yield Buffer.from(start)
        for (; sent < 2 ** 30; sent += 65_536) yield Buffer.alloc(65_536, 0x31)
      }
      async function* parts(): AsyncGenerator<UploadPart> {
        yield { kind: 'field', name: 'name', value: 'long' }
        yield { kind: 'file', name: 'file', content: pieces() }
      }
      const upload = receiveDataset(
        { blobs: uploader.blobs, uploadBytesMax: 2 ** 40, ...createImageDecoder() },
        parts(),
      )
      await expect(upload).rejects.toMatchObject({
        code: 'PAYLOAD_TOO_LARGE',
        errors: [{ pointer: '/file' }],
      })
      expect(sent).toBeLessThan(4 * 1024 ** 2)
      expect(await uploader.files()).toEqual({ blobs: [], drafts: [] })
    },
  )
})

describe('a file over the limit', () => {
  it.each([
    ['CSV', Buffer.from(`a,label\n${'1,x\n'.repeat(1_000)}`)],
    ['CSV packed with gzip', gzipSync(Buffer.from(`a,label\n${'1,x\n'.repeat(1_000)}`))],
    ['Parquet', VALID],
  ])('is refused with the limit, as %s', async (_, file) => {
    const uploader = createUploader(await createTestFolder(), 2_000)
    await expect(uploader.upload({ file })).rejects.toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
      message: expect.stringContaining('2000 bytes'),
    })
    expect(await uploader.files()).toEqual({ blobs: [], drafts: [] })
  })

  it('counts the cells of a Parquet file, which a page of a few bytes may hold', async () => {
    const rows = 100_000
    const file = tableOf({
      a: { data: Array.from({ length: rows }, () => 1), type: 'INT32' },
      label: { data: Array.from({ length: rows }, (_, at) => (at < 5 ? 0 : 1)), type: 'INT32' },
    })
    expect(file.length).toBeLessThan(100_000)
    const uploader = createUploader(await createTestFolder(), 1_000_000)
    await expect(uploader.upload({ file })).rejects.toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
      message: expect.stringMatching(/1000000 bytes.*100000 rows of 2 columns/),
    })
  })
})
