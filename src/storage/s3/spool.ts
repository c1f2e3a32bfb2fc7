import { randomUUID } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { createDraftFile, type DraftFile } from '../draft-file.ts'

/**
 * A file on the local disk for bytes whose name is not known before their end. It has no name itself: it is gone
 * with the process that wrote it, however that ends.
 */
export async function openSpool(folder: string, isScratch: boolean): Promise<DraftFile> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const file = path.join(folder, randomUUID())
  const draft = await createDraftFile(file, isScratch)
  await rm(file)
  return draft
}
