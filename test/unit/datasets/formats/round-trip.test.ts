import fc from 'fast-check'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { describe, expect, it } from 'vitest'
import type { Column } from '../../../../src/datasets/columns.ts'
import { createTestFolder } from '../../../helpers/folder.ts'
import { createUploader, type Parts } from '../../../helpers/upload.ts'

type Kind = 'number' | 'integer' | 'boolean' | 'text' | 'date'
type Value = number | boolean | string | null

/** A table as its owner has it: dates are texts of ISO 8601. */
interface Table {
  columns: { name: string; kind: Kind; values: Value[] }[]
  labels: string[]
}

/** Texts that are taken for nothing else: no number, date, truth value or word for what is missing. */
const word = fc
  .tuple(
    fc.constantFrom('Zw', 'ä ', '"q', 'p,', 'x;', 't\t', 'n\n', 'r\r\n', '😀', '|k'),
    fc.string({ maxLength: 4 }),
  )
  .map(([start, rest]) => `w${start}${rest.replaceAll('\0', '')}w`)
  .filter(text => !/\p{Surrogate}/u.test(text))

const VALUES: Readonly<Record<Kind, fc.Arbitrary<Value>>> = {
  number: fc.double({ noNaN: true, noDefaultInfinity: true }).map(number => number || 0), // 0 and -0 are one as text
  integer: fc.integer(),
  boolean: fc.boolean(),
  text: word,
  date: fc
    .integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 })
    .map(milliseconds => new Date(milliseconds).toISOString()),
}

/** The first two rows have values and differ, so that types and classes are found out from them. */
const tables: fc.Arbitrary<Table> = fc.integer({ min: 2, max: 25 }).chain(rows =>
  fc.record({
    columns: fc.uniqueArray(word, { minLength: 1, maxLength: 5 }).chain(names =>
      fc.tuple(
        ...names.map(name =>
          fc.constantFrom(...(Object.keys(VALUES) as Kind[])).chain(kind =>
            fc
              .tuple(
                VALUES[kind],
                fc.array(fc.option(VALUES[kind], { freq: 5 }), {
                  minLength: rows - 1,
                  maxLength: rows - 1,
                }),
              )
              .map(([first, rest]) => ({ name: name.trim(), kind, values: [first, ...rest] })),
          ),
        ),
      ),
    ),
    labels: fc
      .array(fc.constantFrom('yes!', 'no!', 'maybe'), { minLength: rows - 2, maxLength: rows - 2 })
      .map(rest => ['yes!', 'no!', ...rest]),
  }),
)

/** How a CSV is written; all of them mean the same. */
const styles = fc.record({
  delimiter: fc.constantFrom(',', ';', '\t', '|'),
  lineBreak: fc.constantFrom('\n', '\r\n', '\r'),
  quotes: fc.constantFrom('all', 'needed', 'texts'),
  space: fc.constantFrom('', ' '),
  missing: fc.constantFrom('', 'NA', 'null', '?'),
  mark: fc.constantFrom('', '\ufeff'),
  ends: fc.boolean(),
})

type Style = typeof styles extends fc.Arbitrary<infer T> ? T : never

function toCsv({ columns, labels }: Table, style: Style): string {
  const write = (value: Value) => {
    const text = value === null ? style.missing : String(value)
    const needsQuotes = /["\r\n\t;|,]|^\s|\s$/.test(text) || style.quotes === 'all'
    const quoted = needsQuotes || (style.quotes === 'texts' && typeof value === 'string')
    const space = style.delimiter === '\t' ? '' : style.space
    return quoted ? `${space}"${text.replaceAll('"', '""')}"${space}` : `${space}${text}`
  }
  const rows = labels.map((label, row) => [...columns.map(({ values }) => values[row] ?? null), label])
  const lines = [[...columns.map(({ name }) => name), 'label'], ...rows].map(row =>
    row.map(write).join(style.delimiter),
  )
  return style.mark + lines.join(style.lineBreak) + (style.ends ? style.lineBreak : '')
}

function toJsonl({ columns, labels }: Table): string {
  return labels
    .map((label, row) => {
      const entries = columns.map(({ name, values }) => [name, values[row] ?? null])
      return JSON.stringify(Object.fromEntries([...entries, ['label', label]]))
    })
    .join('\n')
}

const TYPES = {
  number: 'DOUBLE',
  integer: 'INT32',
  boolean: 'BOOLEAN',
  text: 'STRING',
  date: 'TIMESTAMP',
} as const

function toParquet(
  { columns, labels }: Table,
  options: { codec: 'SNAPPY' | 'UNCOMPRESSED'; rows: number; page: number },
) {
  const file = parquetWriteBuffer({
    columnData: [
      ...columns.map(({ name, kind, values }) => ({
        name,
        type: TYPES[kind],
        data:
          kind === 'date' ? values.map(value => (value === null ? null : new Date(String(value)))) : values,
      })),
      { name: 'label', type: 'STRING' as const, data: labels },
    ],
    codec: options.codec,
    rowGroupSize: options.rows,
    pageSize: options.page,
  })
  return new Uint8Array(file)
}

const DECLARED = {
  number: 'numeric',
  integer: 'numeric',
  boolean: 'boolean',
  text: 'categorical',
  date: 'datetime',
} as const

/** The values of a column as they must come back. */
function expected(values: readonly Value[], column: Column | undefined): Value[] {
  const isDay = column?.type === 'datetime' && !column.hasTime
  return values.map(value => (isDay && typeof value === 'string' ? value.slice(0, 10) : value))
}

async function upload(file: string | Uint8Array, parts: Parts, pieceBytes?: number) {
  const uploader = createUploader(await createTestFolder())
  const bytes = typeof file === 'string' ? Buffer.from(file) : file
  const dataset = await uploader.upload({ ...parts, file: bytes }, pieceBytes)
  return { dataset, examples: await uploader.examples(dataset) }
}

describe('a table of random values', () => {
  it('is read as it was written, and is the same dataset as CSV, JSON Lines and Parquet', async () => {
    const writing = fc.record({
      codec: fc.constantFrom('SNAPPY', 'UNCOMPRESSED'),
      rows: fc.integer({ min: 1, max: 30 }),
      page: fc.integer({ min: 1, max: 200 }),
    })
    const pieces = fc.constantFrom(1, 13, 4_096)
    await fc.assert(
      fc.asyncProperty(tables, styles, writing, pieces, async (table, style, options, pieceBytes) => {
        const types = Object.fromEntries(table.columns.map(({ name, kind }) => [name, DECLARED[kind]]))
        const hints = { columns: JSON.stringify(types) }
        const csv = await upload(
          toCsv(table, style),
          { ...hints, header: 'true', delimiter: style.delimiter },
          pieceBytes,
        )
        const jsonl = await upload(toJsonl(table), hints, pieceBytes)
        const parquet = await upload(toParquet(table, options), hints)
        expect(csv.dataset.columns?.map(({ name }) => name)).toEqual(table.columns.map(({ name }) => name))
        for (const { dataset, examples } of [csv, jsonl, parquet]) {
          expect(examples.map(({ label }) => label)).toEqual(table.labels)
          table.columns.forEach(({ values, name }, at) => {
            const stored = examples.map(({ features }) => features[at])
            expect(stored, name).toEqual(expected(values, dataset.columns?.[at]))
          })
        }
        expect(jsonl.dataset.sha256).toBe(csv.dataset.sha256)
        expect(parquet.dataset.sha256).toBe(csv.dataset.sha256)
      }),
      { numRuns: 80 },
    )
  })
})
