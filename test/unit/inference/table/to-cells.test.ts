import fc from 'fast-check'
import { expect, it } from 'vitest'
import { FEATURE_BYTES } from '../../../../src/datasets/content.ts'
import type { NewDataset } from '../../../../src/datasets/repository.ts'
import { AppError } from '../../../../src/errors.ts'
import type { Failures, PredictionInputs } from '../../../../src/inference/rows.ts'
import { describeTableInput, type TableInput } from '../../../../src/inference/table/table-input.ts'
import { toCells } from '../../../../src/inference/table/to-cells.ts'
import { createTurns } from '../../../../src/inference/turns.ts'
import type { Manifest } from '../../../../src/models/manifest.ts'
import { createEncoder, type Encoder } from '../../../../src/preprocessing/encoder.ts'
import { fitPreprocessing } from '../../../../src/preprocessing/fit.ts'
import { resolvePreprocessing } from '../../../../src/preprocessing/resolve.ts'
import { createTestFolder } from '../../../helpers/folder.ts'
import { createUploader } from '../../../helpers/upload.ts'

/** A passenger in JSON; null where CSV has an empty field. */
type Passenger = Record<string, string | number | boolean | null>

const COLUMNS = ['fare', 'adult', 'port', 'boarded', 'ticket', 'ship', 'survived'] as const

const passengers = fc.array(
  fc.record({
    fare: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e300, max: 1e300 })),
    adult: fc.option(fc.boolean()),
    port: fc.option(fc.constantFrom('Cork, Ireland', 'Cherbourg "C"', 'São Paulo', '  x ', 'true', '12')),
    boarded: fc.option(
      fc
        .date({ min: new Date('1901-01-01'), max: new Date('2099-01-01'), noInvalidDate: true })
        .map(date => date.toISOString()),
    ),
    ship: fc.constant('Titanic'),
    survived: fc.constantFrom('yes', 'no'),
  }),
  { minLength: 8, maxLength: 40 },
)

const HEAD: Passenger[] = [
  { fare: 7.25, adult: true, port: 'Cork, Ireland', boarded: '1912-04-10', ship: 'Titanic', survived: 'yes' },
  { fare: 71.2833, adult: false, port: 'São Paulo', boarded: '1912-04-11', ship: 'Titanic', survived: 'no' },
]

interface Trained {
  csv: Buffer
  rows: Passenger[]
  dataset: NewDataset
  /** Cells as they were stored for training. */
  stored: Float64Array
  table: TableInput
  encoder: Encoder
}

async function train(some: readonly Passenger[]): Promise<Trained> {
  const { blobs, upload } = createUploader(await createTestFolder())
  const rows: Passenger[] = [...HEAD, ...some].map((row, index) => ({ ...row, ticket: `T-${index}` }))
  const csv = Buffer.from(`${[COLUMNS.join(','), ...rows.map(toRecord)].join('\n')}\n`)
  const dataset = await upload({ target: 'survived', columns: '{"ticket":"id"}', file: csv })
  const { columns, shape } = dataset
  const { features = '', examples = 0 } = dataset.splits.train ?? {}
  const stored = new Float64Array(new Uint8Array(await blobs.read(features)).buffer)
  const preprocessing = resolvePreprocessing({}, dataset)
  if (!columns || 'errors' in preprocessing) throw new Error('a table with defaults is expected')
  const width = columns.length
  expect(stored.length * FEATURE_BYTES.float64).toBe(examples * width * 8)
  const fitted = fitPreprocessing(preprocessing, {
    columns,
    count: examples,
    features: width,
    readFeature: feature => Float64Array.from(rows, (_, row) => stored[row * width + feature] ?? Number.NaN),
    targets: null,
  })
  const manifest = {
    input: { columns, shape, dtype: 'float64' },
    preprocessing: fitted,
    targets: ['survived'],
  }
  const table = describeTableInput(manifest as unknown as Manifest) // the rest of it is not looked at
  if (!table) throw new Error('a table is expected')
  return { csv, rows, dataset, stored, table, encoder: createEncoder(fitted, columns, shape) }
}

function toRecord(row: Passenger): string {
  return COLUMNS.map(name => {
    const value = row[name] ?? ''
    return typeof value === 'string' ? `"${value.replaceAll('"', '""')}"` : String(value)
  }).join(',')
}

const cellsOf = (table: TableInput, inputs: PredictionInputs, failures: Failures | null = null) =>
  toCells(table, inputs, createTurns().begin(), failures)

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array | Float64Array | Uint8Array) =>
  Buffer.from(buffer, byteOffset, byteLength).toString('hex')

it('predicting a training row gives the training inputs to the bit, as JSON by name, as JSON in order, and as CSV', async () => {
  await fc.assert(
    fc.asyncProperty(passengers, async some => {
      const { csv, rows, stored, table, encoder } = await train(some)
      const wanted = bytesOf(encoder.encode(stored, rows.length))
      const inOrder = rows.map(row => table.columns.map(({ name }) => row[name] ?? null))
      const inputs: PredictionInputs[] = [
        { kind: 'rows', rows },
        { kind: 'instances', instances: inOrder, pointer: '/instances' },
        { kind: 'csv', content: csv, hasHeader: true },
      ]
      for (const one of inputs) {
        const { features, count } = await cellsOf(table, one)
        expect(count).toBe(rows.length)
        expect(bytesOf(encoder.encode(features, count)), one.kind).toBe(wanted)
      }
    }),
    { numRuns: 40 },
  )
})

const refusal = async (work: Promise<unknown>) => {
  const error = await work.then(
    () => null,
    error => error,
  )
  if (!(error instanceof AppError)) throw new Error(`a refusal is expected; received ${error}`)
  return { code: error.code, pointer: error.errors[0]?.pointer, detail: error.errors[0]?.detail }
}

const GOOD = { fare: 8, adult: true, port: 'São Paulo', boarded: '1912-04-10' }

it.each([
  ['a column that is missing', { ...GOOD, fare: undefined }, '/rows/1/fare', /column "fare" is required/],
  ['a column that the model does not know', { ...GOOD, 'a/b': 1 }, '/rows/1/a~1b', /no column "a\/b"/],
  [
    'a text in place of a number',
    { ...GOOD, fare: 'cheap' },
    '/rows/1/fare',
    /must be a number; received "cheap"/,
  ],
  ['an infinite number', { ...GOOD, fare: 'inf' }, '/rows/1/fare', /must be finite/],
  ['a truth value in place of a number', { ...GOOD, fare: true }, '/rows/1/fare', /must be a number/],
  ['a number in place of a truth value', { ...GOOD, adult: 2 }, '/rows/1/adult', /must be true or false/],
  ['a day that does not exist', { ...GOOD, boarded: '1912-02-30' }, '/rows/1/boarded', /must be a date/],
  [
    'an object',
    { ...GOOD, port: { name: 'Cork' } },
    '/rows/1/port',
    /must be a value or null; received an object/,
  ],
])('%s refuses the request and is named', async (_, row, pointer, detail) => {
  const { table } = await train([])
  const rows = [GOOD, JSON.parse(JSON.stringify(row))]
  expect(await refusal(cellsOf(table, { kind: 'rows', rows }))).toEqual({
    code: 'INPUT_INVALID',
    pointer,
    detail: expect.stringMatching(detail),
  })
})

it('columns that the model does not see may be missing, or hold anything', async () => {
  const { table } = await train([])
  expect([...table.used].sort()).toEqual(['adult', 'boarded', 'fare', 'port'])
  const rows = [GOOD, { ...GOOD, ticket: [1], ship: null, survived: 'perhaps' }]
  const { features } = await cellsOf(table, { kind: 'rows', rows })
  const width = table.columns.length
  expect(features.subarray(width)).toEqual(features.subarray(0, width))
})

it('rows that cannot be used harm no other, when that is asked for', async () => {
  const { table } = await train([])
  const csv =
    'port,fare,adult,boarded\nCork,8,yes,1912-04-10\n\nCork,much,yes,never\nCork,9\n"São Paulo",10,no,\n'
  const failures: Failures = new Map()
  const { count, features } = await cellsOf(
    table,
    { kind: 'csv', content: Buffer.from(csv), hasHeader: true },
    failures,
  )
  expect(count).toBe(4)
  expect([...failures].map(([row, { message, errors }]) => [row, message, errors[0]?.pointer])).toEqual([
    [1, 'line 4, column "fare": must be a number; received "much"', '/rows/1/fare'],
    [2, 'line 5: a row must have 4 fields like the first; received 2', '/rows/2'],
  ])
  const { features: alone } = await cellsOf(table, {
    kind: 'rows',
    rows: [{ fare: 10, adult: false, port: 'São Paulo', boarded: null }],
  })
  expect(features.subarray(3 * table.columns.length)).toEqual(alone)
  await expect(cellsOf(table, { kind: 'csv', content: Buffer.from(csv), hasHeader: true })).rejects.toThrow(
    'line 4',
  )
})

it.each([
  ['port,fare,adult\na,1,yes\n', /column "boarded" is required/],
  ['port,fare,adult,boarded,class\na,1,yes,,2\n', /no column "class"/],
  ['port,fare,adult,boarded,fare\na,1,yes,,2\n', /different names; received "fare" twice/],
  ['port,fare,adult,boarded\n"a,1,yes,\n', /must be closed/],
  ['port,fare,adult,boarded\na\0,1,yes,\n', /NUL/],
  ['', /empty/],
])('CSV that cannot be read at all is refused: %j', async (text, detail) => {
  const { table } = await train([])
  const csv = { kind: 'csv', content: Buffer.from(text), hasHeader: true } as const
  const refused = await refusal(cellsOf(table, csv, new Map()))
  expect(refused).toMatchObject({ code: 'INPUT_INVALID', detail: expect.stringMatching(detail) })
})

it('without a header the columns are the model’s, in their order', async () => {
  const { table, csv, stored, encoder, rows } = await train([])
  const cut = (line: string) => line.slice(0, line.lastIndexOf(','))
  const body = csv.toString().trim().split('\n').slice(1).map(cut).join('\n')
  const { features, count } = await cellsOf(table, {
    kind: 'csv',
    content: Buffer.from(body),
    hasHeader: false,
  })
  expect(bytesOf(encoder.encode(features, count))).toBe(bytesOf(encoder.encode(stored, rows.length)))
})
