import { AppError, fieldError } from '../errors.ts'
import type { DecodeImage, MeasureImage } from '../images/decode-image.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import { checkExamples } from './check-examples.ts'
import { createDraftScope, type DraftScope } from './drafts.ts'
import type { FileReader } from './formats/files.ts'
import { IDX_PARTS, type IdxFile, prepareIdx, receiveIdxFile } from './formats/idx/idx-files.ts'
import type { ImageTools } from './formats/images/image-set.ts'
import { ARRAY_PARTS } from './formats/npz/array-names.ts'
import { createNpyReader } from './formats/npz/npy-parts.ts'
import { createFileReader, SPLIT_OF_PART } from './formats/read-files.ts'
import { refuseOptions } from './formats/refuse-options.ts'
import { type PreparedDataset, settleDataset, storeDataset } from './prepared.ts'
import { previewDataset } from './preview.ts'
import type { NewDataset } from './repository.ts'
import type { DatasetPreview } from './schemas.ts'
import { createOptions, readOption, type UploadOptions } from './upload-options.ts'

/** One part of a multipart upload, in the order of the body. */
export type UploadPart =
  | { kind: 'field'; name: string; value: string }
  | { kind: 'file'; name: string; content: AsyncIterable<Buffer> }

/** What an upload works with. */
export interface UploadDeps {
  blobs: BlobStore
  uploadBytesMax: number
  decodeImage: DecodeImage
  measureImage: MeasureImage
}

/**
 * Takes the files of a dataset in, part by part as they arrive, and stores them when all of it is right. No row
 * names them yet: it is for the caller to insert the dataset.
 * @throws {AppError} MALFORMED_REQUEST, VALIDATION_FAILED, DATASET_INVALID, PAYLOAD_TOO_LARGE; then nothing is kept
 */
export function receiveDataset(deps: UploadDeps, parts: AsyncIterable<UploadPart>): Promise<NewDataset> {
  return readUpload(deps, parts, async ({ name }, prepared) => {
    // The disk is at work while the examples are compared.
    const [checked] = await Promise.all([checkExamples(prepared), settleDataset(prepared)])
    return storeDataset(checked, name)
  })
}

/**
 * Reads and checks the same, and keeps nothing.
 * @returns what would be stored, with its first rows, so that its owner can correct what was inferred
 * @throws {AppError} as `receiveDataset`
 */
export function inspectDataset(deps: UploadDeps, parts: AsyncIterable<UploadPart>): Promise<DatasetPreview> {
  return readUpload(deps, parts, async (_, prepared) => previewDataset(await checkExamples(prepared)))
}

/** Reads all parts, and throws away whatever `finish` did not keep. */
async function readUpload<Result>(
  deps: UploadDeps,
  parts: AsyncIterable<UploadPart>,
  finish: (options: UploadOptions, prepared: PreparedDataset) => Promise<Result>,
): Promise<Result> {
  const drafts = createDraftScope(deps.blobs)
  const options = createOptions()
  const seen = new Set<string>()
  let files: FileReader | null = null
  let firstFile: string | null = null
  try {
    for await (const part of parts) {
      if (part.kind === 'field') {
        if (firstFile !== null) {
          const detail = `text parts must come before file parts; received ${part.name} after ${firstFile}`
          throw new AppError('MALFORMED_REQUEST', detail)
        }
        assertFirst(seen, part.name)
        readOption(options, part.name, part.value)
      } else {
        firstFile ??= part.name
        if (!seen.has('name')) {
          await skip(part.content) // whether the name is missing or late, the rest will show
          continue
        }
        files ??= openReader(drafts, options, part.name, { ...deps, bytesMax: deps.uploadBytesMax })
        assertOneOf(files.parts, part.name)
        assertFirst(seen, part.name)
        await files.receive(part.name, part.content)
      }
    }
    if (!seen.has('name'))
      throw fieldError('VALIDATION_FAILED', '/name', 'a text part name is required before the files')
    if (files === null) throw fieldError('DATASET_INVALID', '/file', 'a file is required; received none')
    return await finish(options, await files.prepare())
  } finally {
    await drafts.discard()
  }
}

/** What takes the files in; their first part tells its kind. @throws {AppError} VALIDATION_FAILED */
function openReader(
  drafts: DraftScope,
  options: UploadOptions,
  firstPart: string,
  tools: ImageTools,
): FileReader {
  const [idxParts, fileParts] = [Object.keys(IDX_PARTS), Object.keys(SPLIT_OF_PART)]
  const arrayParts = Object.keys(ARRAY_PARTS)
  assertOneOf([...fileParts, ...idxParts, ...arrayParts], firstPart)
  if (fileParts.includes(firstPart)) return createFileReader(drafts, options, tools)
  if (arrayParts.includes(firstPart)) return createNpyReader(drafts, options, tools)
  if (options.format !== null && options.format !== 'idx') {
    const detail = `${firstPart} must be an IDX file; format says ${options.format}`
    throw fieldError('VALIDATION_FAILED', '/format', detail)
  }
  refuseOptions(options, 'arrays')
  const files = new Map<string, IdxFile>()
  return {
    parts: idxParts,
    async receive(part, content) {
      files.set(part, await receiveIdxFile(drafts, part, content, tools))
    },
    prepare: () => prepareIdx(drafts, files),
  }
}

async function skip(content: AsyncIterable<Buffer>): Promise<void> {
  for await (const _piece of content);
}

function assertFirst(seen: Set<string>, name: string): void {
  if (seen.has(name)) throw fieldError('VALIDATION_FAILED', `/${name}`, `the part ${name} must be given once`)
  seen.add(name)
}

function assertOneOf(expected: readonly string[], name: string): void {
  if (expected.includes(name)) return
  throw fieldError(
    'VALIDATION_FAILED',
    `/${name}`,
    `file parts must be ${expected.join(', ')}; received ${name}`,
  )
}
