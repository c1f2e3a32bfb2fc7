import type { DraftScope } from '../../drafts.ts'
import { encodeBoolean, encodeNumber } from '../../tables/column-encoder.ts'
import { prepareTable } from '../../tables/prepare-table.ts'
import { createTableReader, type TableSink } from '../../tables/read-table.ts'
import type { TableOptions } from '../../tables/table-options.ts'
import type { FormatFiles } from '../files.ts'
import { readPieces, spoolFile } from '../zip/spooled-file.ts'
import { readNumberRows } from './encode-features.ts'
import { invalidArray, type NpyArray, openArray, rowItems } from './read-array.ts'

/**
 * Takes NPY files in that are tables by themselves, `[rows, columns]`: as a CSV without a header, so the columns are
 * `column1`, `column2`, … and the last one is to be learnt unless another is named. NaN is a missing value.
 */
export function createNpyTables(drafts: DraftScope, options: TableOptions): FormatFiles {
  const table = createTableReader(drafts, options)
  return {
    async add({ part, split, pieces }) {
      const file = await spoolFile(drafts, pieces)
      const { bytes } = file
      const stream = () => readPieces(file, 0, bytes)
      const array = await openArray({ part, name: part, bytes, stream, spool: async () => file })
      if (array.shape.length !== 2 || array.shape.includes(0)) {
        const advice = 'arrays of more axes and labels of their own go as trainX and trainY, or in an NPZ'
        throw invalidArray(array, `must be rows × columns; received ${array.shape.join(' × ')} (${advice})`)
      }
      const read = (sink: TableSink) => readTable(array, sink)
      await table.add({ part, split, unit: 'row', read }, read)
    },
    prepare: async () => prepareTable(drafts, await table.end(), options),
  }
}

async function readTable(array: NpyArray, sink: TableSink): Promise<void> {
  const width = rowItems(array)
  const encoders = await sink.open(Array.from({ length: width }, (_, column) => `column${column + 1}`))
  const isBoolean = array.dtype.kind === 'bool'
  for await (const { numbers } of readNumberRows(array)) {
    for (let at = 0; at < numbers.length; at += width) {
      sink.place.number++
      for (const [column, encoder] of encoders.entries()) {
        const number = numbers[at + column] ?? Number.NaN
        sink.row[encoder.index] = isBoolean
          ? encodeBoolean(encoder, sink.place, number === 1)
          : encodeNumber(encoder, sink.place, number)
      }
      sink.endRow()
    }
    await sink.flush()
  }
}
