import { mkdir, readdir, readFile, rename, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { finished } from 'node:stream/promises'
import { describe, expect, it } from 'vitest'
import { BlobDamagedError, type BlobStore } from '../../../src/storage/blob-store.ts'
import { createDiskBlobStore } from '../../../src/storage/disk-blob-store.ts'
import { createTestFolder } from '../../helpers/folder.ts'

// What holds for every store is in test/integration/blob-stores.test.ts.

const HELLO = Buffer.from('hello')
/** FIPS 180-4 by `printf hello | sha256sum`. */
const HELLO_SHA256 = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824'

async function openStore() {
  const folder = await createTestFolder()
  return {
    store: createDiskBlobStore(folder),
    fileOf: (sha256: string) => path.join(folder, 'blobs', sha256.slice(0, 2), sha256),
    filesIn: async () => {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true })
      return entries.filter(entry => entry.isFile()).map(({ name }) => name)
    },
  }
}

async function list(store: BlobStore) {
  const blobs = []
  for await (const blob of store.list()) blobs.push(blob)
  return blobs
}

describe('a blob', () => {
  it('is named by its content and stored once', async () => {
    const { store, filesIn } = await openStore()
    expect(await store.put(HELLO)).toEqual({ sha256: HELLO_SHA256, bytes: 5 })
    expect(await store.put(HELLO)).toEqual({ sha256: HELLO_SHA256, bytes: 5 })
    expect(await filesIn()).toEqual([HELLO_SHA256])
    expect(await store.read(HELLO_SHA256)).toEqual(HELLO)
  })

  it.each([
    ['changed', (file: string) => writeFile(file, 'hellO')],
    ['cut off', (file: string) => truncate(file, 4)],
  ])('that was %s on the disk is not read', async (_, spoil) => {
    const { store, fileOf } = await openStore()
    await store.put(HELLO)
    await spoil(fileOf(HELLO_SHA256))
    await expect(store.read(HELLO_SHA256)).rejects.toBeInstanceOf(BlobDamagedError)
  })

  it('is listed with the time at which it was last wanted', async () => {
    const { store, fileOf } = await openStore()
    await store.put(HELLO)
    await utimes(fileOf(HELLO_SHA256), 1_000, 1_000)
    expect(await list(store)).toEqual([{ sha256: HELLO_SHA256, bytes: 5, keptAtMs: 1_000_000 }])
    await store.put(HELLO)
    const [listed] = await list(store)
    expect(listed?.keptAtMs).toBeGreaterThan(1_000_000)
  })
})

describe('a blob that is deleted and kept at the same time', () => {
  it('is there afterwards, whoever came first', async () => {
    const { store, fileOf, filesIn } = await openStore()
    const outcomes = new Set<boolean>()
    for (let round = 0; round < 500; round++) {
      await store.put(HELLO)
      await utimes(fileOf(HELLO_SHA256), 1_000, 1_000)
      const thresholdMs = Date.now() - 60_000
      // A draft that only waits for its name, so that both come at the same time.
      const draft = await store.draft()
      await finished(draft.stream.end(HELLO))
      const [, deleted] = await Promise.all([draft.keep(), store.deleteUnused(HELLO_SHA256, thresholdMs)])
      outcomes.add(deleted)
      expect(await store.read(HELLO_SHA256), `round ${round}`).toEqual(HELLO)
    }
    expect(await filesIn()).toEqual([HELLO_SHA256])
    expect(outcomes).toContain(true)
  })

  it('is put back when its collector was killed in between', async () => {
    const { store, fileOf } = await openStore()
    await store.put(HELLO)
    const taken = path.join(path.dirname(fileOf(HELLO_SHA256)), '..', '..', 'taken')
    await mkdir(taken)
    await rename(fileOf(HELLO_SHA256), path.join(taken, `${HELLO_SHA256}.1`))
    expect(await store.has(HELLO_SHA256)).toBe(false)
    await store.restoreTaken()
    await store.restoreTaken()
    expect(await store.read(HELLO_SHA256)).toEqual(HELLO)
    expect(await readdir(taken)).toEqual([])
  })
})

describe('a draft', () => {
  it('is invisible until it is kept, and readable by the owner only', async () => {
    const { store, fileOf } = await openStore()
    const draft = await store.draft()
    await finished(draft.stream.end(HELLO))
    expect(await text(draft.readBack())).toBe('hello')
    expect(await list(store)).toEqual([])
    await draft.keep()
    await draft.discard() // does nothing now
    expect(await readFile(fileOf(HELLO_SHA256))).toEqual(HELLO)
    expect((await stat(fileOf(HELLO_SHA256))).mode & 0o777).toBe(0o600)
  })

  it('is never kept when not all of it was written', async () => {
    const { store, filesIn } = await openStore()
    const draft = await store.draft()
    draft.stream.on('error', () => {})
    draft.stream.write('the beginning')
    draft.stream.destroy(new Error('there is no space left'))
    await expect(draft.keep()).rejects.toThrow('there is no space left')
    await draft.discard()
    expect(await filesIn()).toEqual([])
  })
})

it('a store that can be written to passes its check, and one that cannot does not', async () => {
  const { store, filesIn } = await openStore()
  await store.check()
  expect(await filesIn()).toEqual([])
  const file = path.join(await createTestFolder(), 'a-file')
  await writeFile(file, '')
  await expect(createDiskBlobStore(file).check()).rejects.toThrow('ENOTDIR')
})
