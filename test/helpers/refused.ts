import { expect } from 'vitest'
import { createTestFolder } from './folder.ts'
import { createUploader, type Parts } from './upload.ts'

/** An upload that must be refused. */
export interface RefusedUpload {
  parts: Parts
  /** What the message must say. */
  says: RegExp
  code?: 'DATASET_INVALID' | 'PAYLOAD_TOO_LARGE' | 'VALIDATION_FAILED'
  /** The wrong part; by default the first file. */
  pointer?: string
  uploadBytesMax?: number
}

/** Uploads, and expects the refusal with nothing left behind: no blob and no draft. */
export async function expectRefusal({
  parts,
  says,
  code,
  pointer,
  uploadBytesMax,
}: RefusedUpload): Promise<void> {
  const uploader = createUploader(await createTestFolder(), uploadBytesMax)
  const error = await uploader.upload(parts).then(
    () => expect.fail('it was taken'),
    thrown => thrown,
  )
  expect(error).toMatchObject({ name: 'AppError', code: code ?? 'DATASET_INVALID' })
  expect(error.message).toMatch(says)
  if (pointer !== undefined) expect(error.errors).toMatchObject([{ pointer }])
  expect(await uploader.files()).toEqual({ blobs: [], drafts: [] })
}
