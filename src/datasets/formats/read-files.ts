import { fieldError } from '../../errors.ts'
import type { DraftScope } from '../drafts.ts'
import type { DatasetFormat, SplitName } from '../schemas.ts'
import { withPart } from '../tables/read-table.ts'
import type { UploadFormat, UploadOptions } from '../upload-options.ts'
import { createCsvFiles } from './csv/csv-files.ts'
import { decompress } from './decompress.ts'
import type { FileReader, FormatFiles } from './files.ts'
import type { ImageTools } from './images/image-set.ts'
import { createJsonlFiles } from './jsonl/jsonl-files.ts'
import { createNpyTables } from './npz/npy-table.ts'
import { createParquetFiles } from './parquet/parquet-files.ts'
import { limitBytes, peek } from './pieces.ts'
import { refuseOptions } from './refuse-options.ts'
import { type FileFormat, SNIFF_BYTES, sniffFormat } from './sniff-format.ts'
import { createZipFiles } from './zip/zip-files.ts'

/** The file parts of everything but IDX; `file` alone is all of a dataset, or its training split. */
export const SPLIT_OF_PART: Readonly<Record<string, SplitName>> = {
  file: 'train',
  train: 'train',
  validation: 'validation',
  test: 'test',
}

/** What a client may call each format, and what it is stored as. */
const NAMES: Readonly<Record<FileFormat, { claims: readonly UploadFormat[]; stored: DatasetFormat }>> = {
  csv: { claims: ['csv', 'tsv'], stored: 'csv' },
  idx: { claims: ['idx'], stored: 'idx' },
  jsonl: { claims: ['jsonl'], stored: 'jsonl' },
  npy: { claims: ['npy'], stored: 'npz' },
  parquet: { claims: ['parquet'], stored: 'parquet' },
  zip: { claims: ['zip', 'npz'], stored: 'zip' },
}

/** Takes files whose format is told by their first bytes, plain or gzip. */
export function createFileReader(drafts: DraftScope, options: UploadOptions, tools: ImageTools): FileReader {
  let opened: { format: FileFormat; files: FormatFiles; part: string } | null = null
  return {
    parts: Object.keys(SPLIT_OF_PART),
    async receive(part, content) {
      try {
        const { head, pieces } = await peek(limitBytes(decompress(content), tools.bytesMax), SNIFF_BYTES)
        const format = sniffFormat(head)
        assertClaim(options.format, format, head)
        if (opened !== null && opened.format !== format) {
          const detail = `all files must be of one format; received ${format} after ${opened.format}`
          throw fieldError('DATASET_INVALID', `/${part}`, detail)
        }
        opened ??= { format, files: openFormat(format, drafts, options, tools), part }
        await opened.files.add({ part, split: SPLIT_OF_PART[part] ?? 'train', pieces })
      } catch (error) {
        throw withPart(error, part)
      }
    },
    async prepare() {
      if (opened === null) throw fieldError('DATASET_INVALID', '/file', 'a file is required; received none')
      const { files, part } = opened
      return files.prepare().catch(error => {
        throw withPart(error, part)
      })
    },
  }
}

/** @throws {AppError} DATASET_INVALID when the text part `format` says another format */
function assertClaim(claim: UploadFormat | null, format: FileFormat, head: Buffer): void {
  if (claim === null || NAMES[format].claims.includes(claim)) return
  const start = head.length === 0 ? 'nothing' : `bytes that begin with 0x${head.toString('hex', 0, 8)}`
  throw fieldError('DATASET_INVALID', '', `format says ${claim}; received ${format}, ${start}`)
}

function openFormat(
  format: FileFormat,
  drafts: DraftScope,
  options: UploadOptions,
  tools: ImageTools,
): FormatFiles {
  const tableOptions = {
    format: NAMES[format].stored,
    targets: options.target,
    task: options.task,
    types: options.columns,
    splitColumn: options.splitColumn,
  }
  switch (format) {
    case 'csv': {
      refuseOptions(options, 'tables')
      const delimiter = options.format === 'tsv' ? '\t' : options.delimiter
      return createCsvFiles(drafts, tableOptions, { delimiter, hasHeader: options.hasHeader })
    }
    case 'npy':
      refuseOptions(options, 'a table of numbers')
      return createNpyTables(drafts, tableOptions)
    case 'zip':
      return createZipFiles(drafts, options, tools)
    case 'jsonl':
      return createJsonlFiles(drafts, tableOptions)
    case 'parquet':
      return createParquetFiles(drafts, tableOptions, tools)
    default: {
      const detail = `a file must be CSV, JSON Lines, Parquet, NPZ, NPY or a ZIP of images; received ${format}`
      throw fieldError('DATASET_INVALID', '', detail)
    }
  }
}
