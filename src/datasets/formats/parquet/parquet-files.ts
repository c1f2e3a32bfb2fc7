import type { DraftScope } from '../../drafts.ts'
import { prepareTable } from '../../tables/prepare-table.ts'
import { createTableReader, type TableFile } from '../../tables/read-table.ts'
import type { TableOptions } from '../../tables/table-options.ts'
import type { FormatFiles } from '../files.ts'
import { spoolPieces } from '../pieces.ts'
import { readParquet } from './read-parquet.ts'

/** Takes Parquet files in: their end says what is where, so they are read once they are there. */
export function createParquetFiles(
  drafts: DraftScope,
  options: TableOptions,
  limits: { bytesMax: number },
): FormatFiles {
  const table = createTableReader(drafts, options)
  return {
    async add({ part, split, pieces }) {
      const spool = await drafts.openScratch()
      let bytes = 0
      for await (const piece of spoolPieces(pieces, spool)) bytes += piece.length
      const file = { bytes, readRange: spool.readRange }
      const read: TableFile['read'] = sink => readParquet(file, limits.bytesMax, sink)
      await table.add({ part, split, unit: 'row', read }, read)
    },
    prepare: async () => prepareTable(drafts, await table.end(), options),
  }
}
