import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { link, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { finished } from 'node:stream/promises'
import { BlobDamagedError, type BlobDraft, type BlobStore } from './blob-store.ts'
import { createDraftFile } from './draft-file.ts'
import { readAt } from './read-at.ts'

/**
 * Blobs as files: `<folder>/blobs/ab/ab12…`. A draft is a file in `<folder>/drafts`, made durable by fsync and
 * rename, so a name in `blobs` always has its whole content, whatever is killed when.
 */
export function createDiskBlobStore(folder: string): BlobStore {
  const blobs = path.join(folder, 'blobs')
  const drafts = path.join(folder, 'drafts')
  const taken = path.join(folder, 'taken')
  const fileOf = (sha256: string) => {
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw new BlobDamagedError(sha256)
    return path.join(blobs, sha256.slice(0, 2), sha256)
  }

  const store: BlobStore = {
    async draft(isScratch = false) {
      await mkdir(drafts, { recursive: true })
      return openDraft(path.join(drafts, randomUUID()), fileOf, isScratch)
    },
    async put(content) {
      const draft = await store.draft()
      try {
        draft.stream.end(content)
        await finished(draft.stream)
        return await draft.keep()
      } finally {
        await draft.discard()
      }
    },
    async read(sha256) {
      const content = await readFile(fileOf(sha256)).catch(cause => {
        if (cause.code === 'ENOENT') throw new BlobDamagedError(sha256, cause)
        throw cause // the store is in trouble, which says nothing of the blob
      })
      if (createHash('sha256').update(content).digest('hex') !== sha256) throw new BlobDamagedError(sha256)
      return content
    },
    async readRange(sha256, offset, length) {
      const file = await open(fileOf(sha256))
      try {
        return await readAt(file, offset, length)
      } finally {
        await file.close()
      }
    },
    stream: sha256 => createReadStream(fileOf(sha256)),
    has: sha256 => exists(fileOf(sha256)),
    async *list() {
      for (const prefix of await readdir(blobs).catch(() => [])) {
        for (const sha256 of await readdir(path.join(blobs, prefix))) {
          const stats = await stat(path.join(blobs, prefix, sha256)).catch(unlessCode('ENOENT')) // deleted since
          if (stats) yield { sha256, bytes: stats.size, keptAtMs: stats.mtimeMs }
        }
      }
    },
    async deleteUnused(sha256, keptBeforeMs) {
      const before = await stat(fileOf(sha256)).catch(() => null)
      if (!before || before.mtimeMs >= keptBeforeMs) return false
      // Between a look at a file and its deletion it may be kept again, and to delete by name would delete the new one.
      // So it is taken away first, which is atomic, and then looked at: what nobody can reach any more does not change.
      await mkdir(taken, { recursive: true })
      const file = path.join(taken, `${sha256}.${randomUUID()}`)
      if (!(await renameIfThere(fileOf(sha256), file))) return false
      const isUnused = (await stat(file)).mtimeMs < keptBeforeMs
      if (!isUnused) await linkIfMissing(file, fileOf(sha256))
      await rm(file, { force: true })
      return isUnused
    },
    async restoreTaken() {
      for (const name of await readdir(taken).catch(() => [])) {
        const [sha256 = ''] = name.split('.')
        await linkIfMissing(path.join(taken, name), fileOf(sha256))
        await rm(path.join(taken, name), { force: true })
      }
    },
    async deleteDrafts(startedBeforeMs) {
      for (const name of await readdir(drafts).catch(() => [])) {
        const { mtimeMs } = await stat(path.join(drafts, name)).catch(() => ({ mtimeMs: startedBeforeMs }))
        if (mtimeMs < startedBeforeMs) await rm(path.join(drafts, name), { force: true })
      }
    },
    async check() {
      const draft = await store.draft()
      draft.stream.end()
      await draft.discard()
    },
  }
  return store
}

async function openDraft(
  file: string,
  fileOf: (sha256: string) => string,
  isScratch: boolean,
): Promise<BlobDraft> {
  const draft = await createDraftFile(file, isScratch)
  let isKept = false
  return {
    stream: draft.stream,
    readBack: () => createReadStream(file),
    readRange: (offset, length) => readAt(draft.handle, offset, length),
    settle: () => draft.handle.sync(),
    async keep() {
      const blob = draft.finish()
      await draft.handle.sync()
      await draft.close()
      const target = fileOf(blob.sha256)
      await mkdir(path.dirname(target), { recursive: true })
      // Over an earlier file of that name too: it may be damaged, and a collector must see that it is wanted again.
      await rename(file, target)
      isKept = true
      await syncFolder(path.dirname(target))
      return blob
    },
    async discard() {
      if (isKept) return
      draft.stream.destroy()
      await draft.close()
      await rm(file, { force: true })
    },
  }
}

/** A rename is durable only when its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** @returns false when there is no such file */
function renameIfThere(from: string, to: string): Promise<boolean> {
  return rename(from, to).then(() => true, unlessCode('ENOENT'))
}

/** Gives a file another name, unless that is taken, by the same content then, or the file is gone. */
async function linkIfMissing(file: string, name: string): Promise<void> {
  await link(file, name).catch(unlessCode('EEXIST', 'ENOENT'))
}

function unlessCode(...codes: string[]): (error: NodeJS.ErrnoException) => false {
  return error => {
    if (codes.includes(error.code ?? '')) return false
    throw error
  }
}

function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  )
}
