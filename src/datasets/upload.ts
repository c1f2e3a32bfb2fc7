import { Value } from 'typebox/value'
import { AppError, fieldError } from '../errors.ts'
import { NAME_RULE, NameSchema } from '../names.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import type { NewDataset } from './repository.ts'
import { assembleIdxDataset, IDX_PARTS, type IdxFile, receiveIdxFile } from './upload-idx.ts'

/** One part of a multipart upload, in the order of the body. */
export type UploadPart =
  | { kind: 'field'; name: string; value: string }
  | { kind: 'file'; name: string; content: AsyncIterable<Buffer> }

/** What an upload works with. */
export interface UploadDeps {
  blobs: BlobStore
  uploadBytesMax: number
}

/**
 * Takes the files of a dataset in, part by part as they arrive, and stores them when all of it is right. No row
 * names them yet: it is for the caller to insert the dataset.
 * @throws {AppError} MALFORMED_REQUEST, VALIDATION_FAILED, DATASET_INVALID, PAYLOAD_TOO_LARGE; then nothing is kept
 */
export async function receiveDataset(
  deps: UploadDeps,
  parts: AsyncIterable<UploadPart>,
): Promise<NewDataset> {
  const fields = new Map<string, string>()
  const files = new Map<string, IdxFile>()
  let firstFile: string | null = null
  try {
    for await (const part of parts) {
      if (part.kind === 'field') {
        if (firstFile !== null) {
          const detail = `text parts must come before file parts; received ${part.name} after ${firstFile}`
          throw new AppError('MALFORMED_REQUEST', detail)
        }
        addField(fields, part.name, part.value)
      } else {
        firstFile ??= part.name
        if (!fields.has('name')) {
          await skip(part.content) // whether the name is missing or late, the rest will show
          continue
        }
        nameOf(fields)
        assertExpectedFile(files, part.name)
        const limits = { bytesMax: deps.uploadBytesMax }
        files.set(part.name, await receiveIdxFile(deps.blobs, part.name, part.content, limits))
      }
    }
    return await assembleIdxDataset(deps.blobs, nameOf(fields), files)
  } finally {
    await Promise.all([...files.values()].map(file => file.draft.discard()))
  }
}

async function skip(content: AsyncIterable<Buffer>): Promise<void> {
  for await (const _piece of content);
}

function addField(fields: Map<string, string>, name: string, value: string): void {
  if (name !== 'name' && name !== 'format') {
    throw fieldError('VALIDATION_FAILED', `/${name}`, `text parts must be name or format; received ${name}`)
  }
  if (fields.has(name))
    throw fieldError('VALIDATION_FAILED', `/${name}`, `the part ${name} must be given once`)
  if (name === 'format' && value !== 'idx') {
    throw fieldError('VALIDATION_FAILED', '/format', `format must be idx; received ${JSON.stringify(value)}`)
  }
  fields.set(name, value)
}

function nameOf(fields: ReadonlyMap<string, string>): string {
  const name = fields.get('name')
  if (name === undefined)
    throw fieldError('VALIDATION_FAILED', '/name', 'a text part name is required before the files')
  if (!Value.Check(NameSchema, name)) {
    throw fieldError(
      'VALIDATION_FAILED',
      '/name',
      `name must be ${NAME_RULE}; received ${JSON.stringify(name)}`,
    )
  }
  return name
}

function assertExpectedFile(files: ReadonlyMap<string, IdxFile>, name: string): void {
  const expected = Object.keys(IDX_PARTS)
  if (!expected.includes(name)) {
    throw fieldError(
      'VALIDATION_FAILED',
      `/${name}`,
      `file parts must be ${expected.join(', ')}; received ${name}`,
    )
  }
  if (files.has(name))
    throw fieldError('VALIDATION_FAILED', `/${name}`, `the part ${name} must be given once`)
}
