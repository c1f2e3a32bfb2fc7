import type { DraftScope } from '../../drafts.ts'
import { prepareTable } from '../../tables/prepare-table.ts'
import { createTableReader } from '../../tables/read-table.ts'
import type { TableOptions } from '../../tables/table-options.ts'
import type { FormatFiles } from '../files.ts'
import { spoolPieces } from '../pieces.ts'
import type { DialectOptions } from './dialect.ts'
import { readCsv } from './read-csv.ts'

/** Takes CSV and TSV files in: read as they arrive, and once more when a column turns out to be of another type. */
export function createCsvFiles(
  drafts: DraftScope,
  options: TableOptions,
  dialect: DialectOptions,
): FormatFiles {
  const table = createTableReader(drafts, options)
  return {
    async add({ part, split, pieces }) {
      const spool = await drafts.openScratch()
      await table.add(
        { part, split, unit: 'line', read: sink => readCsv(spoolPieces(pieces, spool), dialect, sink) },
        sink => readCsv(spool.readBack(), dialect, sink),
      )
    },
    prepare: async () => prepareTable(drafts, await table.end(), options),
  }
}
