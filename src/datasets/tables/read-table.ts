import { AppError } from '../../errors.ts'
import type { DraftScope } from '../drafts.ts'
import type { SplitName } from '../schemas.ts'
import { findSplit } from '../split-words.ts'
import { type ColumnEncoder, createColumnEncoder } from './column-encoder.ts'
import { invalidRow, type Place, quote } from './place.ts'
import { assertTypesKnown, resolveColumns } from './resolve-columns.ts'
import { createSplitWriter, type SplitWriter } from './split-writer.ts'
import type { TableOptions } from './table-options.ts'

/** Where a reader of a format puts the rows of one file. */
export interface TableSink {
  /** Where the reader is; it moves it on. */
  readonly place: Place
  /** The row that is being filled: each cell at the index of its encoder. */
  readonly row: Float64Array
  /**
   * Begins the file.
   * @returns an encoder for each column, in their order in the file
   * @throws {AppError} DATASET_INVALID when the columns are not those of the other files
   */
  open(names: readonly string[]): Promise<ColumnEncoder[]>
  /** Takes the row. @throws {AppError} DATASET_INVALID when it names no split */
  endRow(): void
  /** Takes that the row cannot be read. @throws the error, where one such row is one too many */
  refuseRow(error: AppError): void
  /** Writes the rows that were taken; to be called every some thousand cells. */
  flush(): Promise<void>
}

/** The same for formats whose rows need not have all columns, or that come by columns. */
export interface DatasetSink extends TableSink {
  /**
   * Begins a file whose rows need not have all columns.
   * @param names - the columns that are known yet
   * @param first - those of the first row
   * @returns an encoder for each; null where the files read before did not have it
   */
  openSome(names: readonly string[], first: readonly string[]): Promise<(ColumnEncoder | null)[]>
  /** Says what the columns turned out to be: when they are others than were opened, all is read once more. */
  settle(names: readonly string[]): void
  /**
   * Takes rows by their columns, the first at the place.
   * @param columns - the cells of each column at the index of its encoder
   * @throws {AppError} DATASET_INVALID when one names no split
   */
  endRows(columns: readonly Float64Array[], count: number): void
}

/** A file of rows. */
export interface TableFile {
  /** Its part of the upload. */
  part: string
  split: SplitName
  unit: Place['unit']
  /** Reads the file from its start, as it arrives or as it was spooled. */
  read(sink: DatasetSink): Promise<void>
}

/** The rows of all files of an upload, read once. */
export interface Pass {
  encoders: ColumnEncoder[]
  splits: Map<SplitName, SplitWriter>
  /** Columns that the first row has; null where all rows have all. */
  first: readonly string[] | null
  /** All columns, where they are not those of the encoders. */
  settled: readonly string[] | null
}

/** Reads the files of a table into drafts, with one pass over them all, or as many as it takes to know what they are. */
export interface TableReader {
  /** Reads a file that arrives. @throws {AppError} with the part as pointer */
  add(file: TableFile, again: TableFile['read']): Promise<void>
  /** Reads what must be read again, and ends the drafts. */
  end(): Promise<Pass>
}

/** A reader of no files yet. */
export function createTableReader(drafts: DraftScope, options: TableOptions): TableReader {
  const files: TableFile[] = []
  let pass: Pass = createPass([])

  async function readFile(file: TableFile): Promise<void> {
    const sink = createSink(drafts, pass, options, file)
    try {
      await file.read(sink)
      await sink.flush()
    } catch (error) {
      throw withPart(error, file.part)
    }
  }

  async function readAgain(encoders: ColumnEncoder[]): Promise<void> {
    for (const writer of pass.splits.values()) {
      await Promise.all([writer.features.discard(), writer.targets.discard()])
    }
    pass = { ...createPass(encoders), first: pass.first }
    for (const file of files) await readFile(file)
  }

  return {
    async add(file, again) {
      await readFile(file)
      files.push({ ...file, read: again })
    },
    async end() {
      const { settled, first } = pass
      if (settled) await readAgain(resolveColumns(settled, options, first))
      assertTypesKnown(pass.encoders, options)
      const conflicts = pass.encoders.filter(({ conflict }) => conflict !== null)
      if (conflicts.length > 0) {
        await readAgain(
          pass.encoders.map(encoder => ({
            ...createColumnEncoder(encoder, encoder.mode),
            conflict: encoder.conflict,
          })),
        )
      }
      for (const writer of pass.splits.values()) await writer.end()
      return pass
    },
  }
}

function createPass(encoders: ColumnEncoder[]): Pass {
  return { encoders, splits: new Map(), first: null, settled: null }
}

function createSink(drafts: DraftScope, pass: Pass, options: TableOptions, file: TableFile): DatasetSink {
  const place: Place = { unit: file.unit, number: 0 }
  let row = new Float64Array(0)
  let writers: (SplitWriter | undefined)[] = []
  let splitIndex = -1
  let splitCodes: ReadonlyMap<string, number> = new Map()
  const writerOf = async (split: SplitName) => {
    const writer = pass.splits.get(split) ?? (await createSplitWriter(drafts, pass.encoders))
    pass.splits.set(split, writer)
    return writer
  }
  async function begin(): Promise<void> {
    row = new Float64Array(pass.encoders.length)
    const split = pass.encoders.find(({ role }) => role === 'split')
    if (split) {
      splitIndex = split.index
      splitCodes = split.codes
      for (const name of ['train', 'validation', 'test'] as const) await writerOf(name)
      writers = []
    } else writers = [await writerOf(file.split)]
  }
  const sink: DatasetSink = {
    place,
    get row() {
      return row
    },
    async open(names) {
      if (pass.encoders.length === 0) {
        pass.encoders = resolveColumns(names, options, null)
        assertTypesKnown(pass.encoders, options)
      }
      const encoders = matchColumns(pass.encoders, names)
      await begin()
      return encoders
    },
    async openSome(names, first) {
      pass.first ??= first
      if (pass.encoders.length === 0) pass.encoders = resolveColumns(names, options, pass.first)
      await begin()
      return names.map(name => pass.encoders.find(encoder => encoder.name === name) ?? null)
    },
    settle(names) {
      const { encoders } = pass
      const isSame =
        names.length === encoders.length && names.every((name, at) => encoders[at]?.name === name)
      pass.settled = isSame ? null : names
    },
    endRow() {
      if (splitIndex < 0) {
        writers[0]?.add(row)
        return
      }
      const code = row[splitIndex] ?? Number.NaN
      writers[code] ??= pass.splits.get(splitOf(splitCodes, code, place, options))
      writers[code]?.add(row)
    },
    refuseRow(error) {
      throw error
    },
    endRows(columns, count) {
      if (splitIndex < 0) {
        writers[0]?.addColumns(columns, count)
        return
      }
      for (let at = 0; at < count; at++, place.number++) {
        for (let index = 0; index < columns.length; index++) row[index] = columns[index]?.[at] ?? 0
        sink.endRow()
      }
    },
    async flush() {
      for (const writer of pass.splits.values()) await writer.flush()
    },
  }
  return sink
}

function splitOf(
  codes: ReadonlyMap<string, number>,
  code: number,
  place: Place,
  { splitColumn }: TableOptions,
): SplitName {
  const [word = ''] = [...codes].find(([, known]) => known === code) ?? []
  const split = findSplit(word)
  if (split) return split
  const detail = `must be train, validation or test; received ${quote(word)}`
  throw invalidRow(place, `column ${quote(splitColumn ?? '')}: ${detail}`)
}

/** The encoders of a file's columns: all files have the same ones, in any order. */
function matchColumns(encoders: readonly ColumnEncoder[], names: readonly string[]): ColumnEncoder[] {
  const byName = new Map(encoders.map(encoder => [encoder.name, encoder]))
  const found = names.map(name => byName.get(name))
  const unknown = names.find(name => !byName.has(name))
  const missing = encoders.find(({ name }) => !names.includes(name))
  if (unknown !== undefined || missing || found.length !== encoders.length) {
    const detail = missing
      ? `the column ${quote(missing.name)} is missing`
      : `received ${quote(unknown ?? '')} too`
    throw new AppError('DATASET_INVALID', `all files must have the same columns; ${detail}`)
  }
  return found.filter(encoder => encoder !== undefined)
}

/** The same error, with the part of the upload as pointer where it has none. */
export function withPart(error: unknown, part: string): unknown {
  if (!(error instanceof AppError) || error.errors.some(({ pointer }) => pointer)) return error
  const errors = [{ pointer: `/${part}`, detail: error.message }]
  return new AppError(error.code, error.message, { errors, cause: error })
}
