import type { DraftScope } from '../../drafts.ts'
import { prepareTable } from '../../tables/prepare-table.ts'
import { createTableReader } from '../../tables/read-table.ts'
import type { TableOptions } from '../../tables/table-options.ts'
import type { FormatFiles } from '../files.ts'
import { spoolPieces } from '../pieces.ts'
import { createFields } from './field.ts'
import { readJsonl } from './read-jsonl.ts'

/** Takes JSON Lines in: read as they arrive, and again when there turn out to be other columns, or other types. */
export function createJsonlFiles(drafts: DraftScope, options: TableOptions): FormatFiles {
  const table = createTableReader(drafts, options)
  const fields = createFields()
  return {
    async add({ part, split, pieces }) {
      const spool = await drafts.openScratch()
      await table.add(
        { part, split, unit: 'line', read: sink => readJsonl(spoolPieces(pieces, spool), fields, sink) },
        sink => readJsonl(spool.readBack(), fields, sink),
      )
    },
    prepare: async () => prepareTable(drafts, await table.end(), options),
  }
}
