import { Type } from 'typebox'
import { fieldError, pointerToken } from '../../errors.ts'
import { UploadIdSchema } from '../../uploads/schemas.ts'
import type { UploadPart } from '../upload.ts'
import { createOptions, readOption } from '../upload-options.ts'

/** A dataset of files that were uploaded before: the text parts of a multipart upload as fields, uploads for its files. */
export const UploadsRequestSchema = Type.Object(
  {
    name: Type.String({ description: 'As the text part.' }),
    files: Type.Record(Type.String(), UploadIdSchema, {
      minProperties: 1,
      maxProperties: 8,
      description: 'Ids of whole uploads, by the name of the file part: `{ "file": "upl_…" }`.',
    }),
  },
  { additionalProperties: true, description: 'Other fields are as the text parts; JSON may stand as it is.' },
)

/** A dataset of files that were uploaded before. */
export type UploadsRequest = Type.Static<typeof UploadsRequestSchema>

/** The same, as it is kept while the dataset is processing. */
export interface DatasetSource {
  /** Text parts by name, in the order of the request. */
  options: Record<string, string>
  /** Ids of uploads by file part. */
  files: Record<string, string>
}

/**
 * Turns fields into text parts, and checks each.
 * @throws {AppError} VALIDATION_FAILED
 */
export function readUploadsRequest({ files, ...fields }: UploadsRequest): DatasetSource {
  const options: DatasetSource['options'] = {}
  const checked = createOptions()
  for (const [name, value] of Object.entries(fields)) {
    if (value === null)
      throw fieldError(
        'VALIDATION_FAILED',
        `/${pointerToken(name)}`,
        `${name} must have a value; received null`,
      )
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    readOption(checked, name, text)
    options[name] = text
  }
  return { options, files }
}

/** The parts of the multipart upload that would say the same. */
export async function* toParts(
  { options, files }: DatasetSource,
  open: (uploadId: string) => AsyncIterable<Buffer>,
): AsyncGenerator<UploadPart> {
  for (const [name, value] of Object.entries(options)) yield { kind: 'field', name, value }
  for (const [name, id] of Object.entries(files)) yield { kind: 'file', name, content: open(id) }
}
