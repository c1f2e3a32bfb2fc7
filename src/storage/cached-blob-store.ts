import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises'
import path from 'node:path'
import { Readable } from 'node:stream'
import { BlobDamagedError, type BlobStore } from './blob-store.ts'
import { isStorageFull } from './full.ts'
import { readAt } from './read-at.ts'

/** A copy that was not finished after this long was given up. */
const STALE_MS = 3_600_000

/**
 * A store elsewhere, with copies on the local disk of what was read whole, so that it is fetched once however often
 * its parts are read. Several processes may share the folder; the copies that were not used for the longest time
 * go first. A copy that is lost or damaged is fetched again.
 */
export function createCachedBlobStore(
  store: BlobStore,
  { folder, bytesMax }: { folder: string; bytesMax: number },
): BlobStore {
  const fileOf = (sha256: string) => path.join(folder, sha256)

  /** Passes pieces on and keeps a copy, if all come and they are the blob's. */
  async function* copyPieces(sha256: string): AsyncGenerator<Buffer> {
    const copy = await openCopy(folder, bytesMax)
    try {
      for await (const piece of store.stream(sha256)) {
        await copy.write(piece)
        yield piece
      }
      if (await copy.keep(sha256)) await evict(folder, bytesMax)
    } finally {
      await copy.discard()
    }
  }

  async function* checkPieces(sha256: string): AsyncGenerator<Buffer> {
    const hash = createHash('sha256')
    for await (const piece of createReadStream(fileOf(sha256))) {
      hash.update(piece)
      yield piece
    }
    if (hash.digest('hex') === sha256) return
    await rm(fileOf(sha256), { force: true })
    throw new BlobDamagedError(sha256) // the next time it is fetched
  }

  return {
    ...store,
    async read(sha256) {
      const copy = await readFile(fileOf(sha256)).catch(unlessMissing)
      if (copy && createHash('sha256').update(copy).digest('hex') === sha256) {
        await touch(fileOf(sha256))
        return copy
      }
      const content = await store.read(sha256)
      const fresh = await openCopy(folder, bytesMax)
      try {
        await fresh.write(content)
        if (await fresh.keep(sha256)) await evict(folder, bytesMax)
      } finally {
        await fresh.discard()
      }
      return content
    },
    async readRange(sha256, offset, length) {
      const file = await open(fileOf(sha256)).catch(unlessMissing)
      if (!file) return store.readRange(sha256, offset, length)
      try {
        return await readAt(file, offset, length)
      } finally {
        await file.close()
      }
    },
    stream: sha256 =>
      Readable.from(
        (async function* choose() {
          yield* (await touch(fileOf(sha256))) ? checkPieces(sha256) : copyPieces(sha256)
        })(),
        { objectMode: false },
      ),
  }
}

/** A copy that is being written. */
interface Copy {
  write(piece: Uint8Array): Promise<void>
  /** @returns whether it was kept: it is the blob, and there was room */
  keep(sha256: string): Promise<boolean>
  discard(): Promise<void>
}

/** A copy is a convenience: what does not fit is not copied, and the reader goes on. */
async function openCopy(folder: string, bytesMax: number): Promise<Copy> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const part = path.join(folder, `${randomUUID()}.part`)
  const file = await open(part, 'wx', 0o600)
  const hash = createHash('sha256')
  let bytes = 0
  let fits = true
  let isOpen = true
  return {
    async write(piece) {
      bytes += piece.length
      fits &&= bytes <= bytesMax
      if (!fits) return
      hash.update(piece)
      await file.writeFile(piece).catch(error => {
        if (!isStorageFull(error)) throw error
        fits = false
      })
    },
    async keep(sha256) {
      if (!fits || hash.digest('hex') !== sha256) return false
      await file.sync()
      await rename(part, path.join(folder, sha256))
      return true
    },
    async discard() {
      if (isOpen) await file.close()
      isOpen = false
      await rm(part, { force: true })
    },
  }
}

/** Deletes copies, the least used first, until the others fit; and what killed processes left. */
async function evict(folder: string, bytesMax: number): Promise<void> {
  const files = []
  for (const name of await readdir(folder)) {
    const stats = await stat(path.join(folder, name)).catch(unlessMissing) // deleted since
    if (!stats) continue
    if (!name.endsWith('.part')) files.push({ name, bytes: stats.size, usedAtMs: stats.mtimeMs })
    else if (stats.mtimeMs < Date.now() - STALE_MS) await rm(path.join(folder, name), { force: true })
  }
  let left = files.reduce((sum, { bytes }) => sum + bytes, 0)
  for (const { name, bytes } of files.sort((a, b) => a.usedAtMs - b.usedAtMs)) {
    if (left <= bytesMax) return
    await rm(path.join(folder, name), { force: true })
    left -= bytes
  }
}

/** Marks a file as used. @returns whether it is there */
function touch(file: string): Promise<boolean> {
  const now = new Date()
  return utimes(file, now, now).then(
    () => true,
    error => unlessMissing(error) ?? false,
  )
}

function unlessMissing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null
  throw error
}
