import { createHash, randomBytes } from 'node:crypto'
import { readdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { finished } from 'node:stream/promises'
import { CreateMultipartUploadCommand, ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3'
import { describe, expect, it, vi } from 'vitest'
import { BlobDamagedError, type BlobStore } from '../../src/storage/blob-store.ts'
import { createDiskBlobStore } from '../../src/storage/disk-blob-store.ts'
import { openBlobStore } from '../../src/storage/open-blob-store.ts'
import { openBucket } from '../../src/storage/s3/bucket.ts'
import { createTestFolder } from '../helpers/folder.ts'
import { releaseAfterFile } from '../helpers/release.ts'
import { bucketSettings, hasS3Server, S3_CREDENTIALS, startS3Server } from '../helpers/s3.ts'
import { openSeverableRoute } from '../helpers/severable.ts'
import { until } from '../helpers/until.ts'

const release = releaseAfterFile()
const withS3 = hasS3Server()
const server = withS3 ? await startS3Server(release) : null
for (const [name, value] of Object.entries(S3_CREDENTIALS)) vi.stubEnv(name, value)

const HELLO = Buffer.from('hello')
/** FIPS 180-4 by `printf hello | sha256sum`. */
const HELLO_SHA256 = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824'

let buckets = 0

async function openTestBucket() {
  const name = `bucket-${++buckets}`
  await server?.createBucket(name)
  return bucketSettings(server?.url ?? '', name, await createTestFolder())
}

async function openS3({ isCached = false } = {}): Promise<BlobStore> {
  return openBlobStore(await openTestBucket(), { attempts: 2, isCached })
}

const STORES: [string, () => Promise<BlobStore>, boolean][] = [
  ['on disk', async () => createDiskBlobStore(await createTestFolder()), true],
  ['in a bucket', () => openS3(), withS3],
  ['in a bucket, with copies on disk', () => openS3({ isCached: true }), withS3],
]

async function list(store: BlobStore) {
  const blobs = []
  for await (const blob of store.list()) blobs.push(blob)
  return blobs.sort((a, b) => (a.sha256 < b.sha256 ? -1 : 1))
}

const hashOf = (content: Buffer) => createHash('sha256').update(content).digest('hex')

/** A time after all that was kept; stores tell seconds at the coarsest. */
async function untilLater(): Promise<number> {
  const second = Math.floor(Date.now() / 1_000)
  await until(() => Math.floor(Date.now() / 1_000) > second)
  return (second + 1) * 1_000
}

const CONTENTS = Array.from({ length: 20 }, (_, index) => Buffer.from(`content ${index}`))

for (const [where, open, isPossible] of STORES) {
  describe.skipIf(!isPossible)(`a blob ${where}`, () => {
    it('is named by its content, stored once, and found in lists', async () => {
      const store = await open()
      const before = Math.floor(Date.now() / 1_000) * 1_000
      expect(await store.put(HELLO)).toEqual({ sha256: HELLO_SHA256, bytes: 5 })
      expect(await store.put(HELLO)).toEqual({ sha256: HELLO_SHA256, bytes: 5 })
      const other = await store.put(Buffer.from('other'))
      const [first, second, ...more] = await list(store)
      expect([first?.sha256, second?.sha256].sort()).toEqual([HELLO_SHA256, other.sha256].sort())
      expect(first?.keptAtMs).toBeGreaterThanOrEqual(before)
      expect(more).toEqual([])
      expect(await store.read(HELLO_SHA256)).toEqual(HELLO)
    })

    it('may be empty, or larger than a part of an upload, and come in many pieces', async () => {
      const store = await open()
      const { sha256: empty } = await store.put(Buffer.alloc(0))
      expect(await store.read(empty)).toEqual(Buffer.alloc(0))
      expect(await text(store.stream(empty))).toBe('')
      const content = randomBytes(20 * 1024 ** 2 + 1)
      const draft = await store.draft()
      for (let from = 0; from < content.length; from += 700_001) {
        draft.stream.write(content.subarray(from, from + 700_001))
      }
      await finished(draft.stream.end())
      expect(await draft.keep()).toEqual({ sha256: hashOf(content), bytes: content.length })
      expect(content.equals(await store.read(hashOf(content)))).toBe(true)
      expect(await store.put(content)).toEqual({ sha256: hashOf(content), bytes: content.length })
      const hash = createHash('sha256')
      for await (const piece of store.stream(hashOf(content))) hash.update(piece)
      expect(hash.digest('hex')).toBe(hashOf(content))
      const end = await store.readRange(hashOf(content), content.length - 10, 100)
      expect(end).toEqual(content.subarray(-10))
    })

    it('can be read in part, past its end only as far as it goes, and as a stream', async () => {
      const store = await open()
      await store.put(HELLO)
      for (let round = 0; round < 2; round++) {
        expect((await store.readRange(HELLO_SHA256, 1, 3)).toString()).toBe('ell')
        expect((await store.readRange(HELLO_SHA256, 3, 10)).toString()).toBe('lo')
        expect((await store.readRange(HELLO_SHA256, 9, 10)).toString()).toBe('')
        expect((await store.readRange(HELLO_SHA256, 1, 0)).toString()).toBe('')
        expect(await text(store.stream(HELLO_SHA256))).toBe('hello')
      }
    })

    it('that is not there is not read, nor is anything outside the store', async () => {
      const store = await open()
      await expect(store.read(HELLO_SHA256)).rejects.toBeInstanceOf(BlobDamagedError)
      await expect(store.read('../../etc/passwd')).rejects.toBeInstanceOf(BlobDamagedError)
      await expect(store.readRange(HELLO_SHA256, 0, 1)).rejects.toThrow()
      await expect(text(store.stream(HELLO_SHA256))).rejects.toThrow()
      expect(await store.has(HELLO_SHA256)).toBe(false)
    })

    it('is gone after it is deleted, which may be done twice', async () => {
      const store = await open()
      await store.put(HELLO)
      expect(await store.has(HELLO_SHA256)).toBe(true)
      expect(await store.deleteUnused(HELLO_SHA256, Number.POSITIVE_INFINITY)).toBe(true)
      expect(await store.deleteUnused(HELLO_SHA256, Number.POSITIVE_INFINITY)).toBe(false)
      expect(await store.has(HELLO_SHA256)).toBe(false)
      expect(await list(store)).toEqual([])
    })

    it('is not deleted when it was kept since, also at the very same time', async () => {
      const store = await open()
      for (const content of CONTENTS) await store.put(content)
      expect(await store.deleteUnused(hashOf(HELLO), Date.now())).toBe(false)
      expect(await store.deleteUnused(hashOf(CONTENTS[0] ?? HELLO), Date.now() - 60_000)).toBe(false)
      const thresholdMs = await untilLater()
      await Promise.all(
        CONTENTS.map(async (content, index) => {
          const draft = await store.draft() // only waits for its name, so that both come at the same time
          await finished(draft.stream.end(content))
          const keep = () => draft.keep()
          const remove = () => store.deleteUnused(hashOf(content), thresholdMs)
          await Promise.all((index % 2 === 0 ? [keep, remove] : [remove, keep]).map(work => work()))
          expect((await store.read(hashOf(content))).toString()).toBe(content.toString())
        }),
      )
      expect((await list(store)).map(({ sha256 }) => sha256)).toEqual(CONTENTS.map(hashOf).sort())
    })
  })

  describe.skipIf(!isPossible)(`a draft ${where}`, () => {
    it('is invisible until it is kept, and can be read back, more than once at a time', async () => {
      const store = await open()
      const draft = await store.draft()
      await finished(draft.stream.end(HELLO))
      expect(await Promise.all([text(draft.readBack()), text(draft.readBack())])).toEqual(['hello', 'hello'])
      expect((await draft.readRange(1, 3)).toString()).toBe('ell')
      expect((await draft.readRange(3, 10)).toString()).toBe('lo')
      await draft.settle()
      expect(await list(store)).toEqual([])
      await draft.keep()
      await draft.discard() // does nothing now
      expect(await store.read(HELLO_SHA256)).toEqual(HELLO)
    })

    it('that is scratch is read back, and never kept', async () => {
      const store = await open()
      const draft = await store.draft(true)
      await finished(draft.stream.end(HELLO))
      expect(await text(draft.readBack())).toBe('hello')
      await expect(draft.keep()).rejects.toThrow('scratch')
      await draft.discard()
      expect(await list(store)).toEqual([])
    })

    it.each(['before it is written', 'in the middle', 'after its end'])(
      'leaves nothing when it is discarded %s',
      async when => {
        const store = await open()
        const draft = await store.draft()
        if (when === 'in the middle') draft.stream.write(HELLO)
        if (when === 'after its end') await finished(draft.stream.end(HELLO))
        await draft.discard()
        await draft.discard()
        expect(await list(store)).toEqual([])
      },
    )
  })

  it.skipIf(!isPossible)(`a store ${where} that can be written to passes its check`, async () => {
    const store = await open()
    await store.check()
    expect(await list(store)).toEqual([])
  })
}

describe.skipIf(!withS3)('a bucket', () => {
  it('never shows a blob that was spoiled there, and takes it again', async () => {
    const settings = await openTestBucket()
    const bucket = openBucket(settings, 2)
    const store = await openBlobStore(settings, { attempts: 2, isCached: false })
    await store.put(HELLO)
    for await (const { key } of bucket.list('blobs/')) await bucket.put(key, Buffer.from('hellO'), 5)
    await expect(store.read(HELLO_SHA256)).rejects.toBeInstanceOf(BlobDamagedError)
    await store.put(HELLO)
    expect(await store.read(HELLO_SHA256)).toEqual(HELLO)
    const keys = []
    for await (const { key } of bucket.list('blobs/')) keys.push(key)
    expect(keys).toHaveLength(1)
  })

  it('keeps nothing on this machine but copies, which are fetched again when they are spoiled or gone', async () => {
    const settings = await openTestBucket()
    const store = await openBlobStore(settings, { attempts: 2, isCached: true })
    const draft = await store.draft()
    await finished(draft.stream.end(HELLO))
    expect(await readdir(path.join(settings.folder, 'drafts'))).toEqual([])
    await draft.keep()
    expect(await text(store.stream(HELLO_SHA256))).toBe('hello')
    const cache = path.join(settings.folder, 'cache')
    expect(await readdir(cache)).toEqual([HELLO_SHA256])
    await writeFile(path.join(cache, HELLO_SHA256), 'hellO')
    expect(await store.read(HELLO_SHA256)).toEqual(HELLO)
    await writeFile(path.join(cache, HELLO_SHA256), 'hellO')
    await expect(text(store.stream(HELLO_SHA256))).rejects.toBeInstanceOf(BlobDamagedError)
    expect(await text(store.stream(HELLO_SHA256))).toBe('hello')
    await rm(cache, { recursive: true })
    expect(await store.readRange(HELLO_SHA256, 0, 9)).toEqual(HELLO)
  })

  it('is copied within its limit only, the least used copies going first', async () => {
    const settings = { ...(await openTestBucket()), cacheBytesMax: 25 }
    const store = await openBlobStore(settings, { attempts: 2, isCached: true })
    const contents = ['aaaaaaaaaa', 'bbbbbbbbbb', 'cccccccccc', 'd'.repeat(30)].map(word => Buffer.from(word))
    for (const content of contents) await store.put(content)
    for (const content of contents) {
      expect(await text(store.stream(hashOf(content)))).toBe(content.toString())
      const second = Date.now() + 10
      await until(() => Date.now() > second)
    }
    const [, b, c] = contents.map(hashOf)
    expect((await readdir(path.join(settings.folder, 'cache'))).sort()).toEqual([b, c].sort())
  })

  it('that is away is STORAGE_UNAVAILABLE, and works again when it is back', async () => {
    const settings = await openTestBucket()
    const route = await openSeverableRoute(settings.endpoint ?? '')
    const store = await openBlobStore({ ...settings, endpoint: route.url }, { attempts: 2, isCached: false })
    await store.put(HELLO)
    route.cut()
    const away = { code: 'STORAGE_UNAVAILABLE' }
    await expect(store.read(HELLO_SHA256)).rejects.toMatchObject(away)
    await expect(store.put(HELLO)).rejects.toMatchObject(away)
    await expect(store.check()).rejects.toMatchObject(away)
    await expect(store.has(HELLO_SHA256)).rejects.toMatchObject(away)
    route.mend()
    expect(await store.read(HELLO_SHA256)).toEqual(HELLO)
    await route.close()
  })

  it('that does not exist is STORAGE_UNAVAILABLE too', async () => {
    const settings = { ...(await openTestBucket()), bucket: 'nobody-made-it' }
    const store = await openBlobStore(settings, { attempts: 1, isCached: false })
    await expect(store.check()).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
    await expect(store.read(HELLO_SHA256)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
  })

  it('goes on reading where a connection broke', async () => {
    const settings = await openTestBucket()
    const content = randomBytes(30 * 1024 ** 2)
    const route = await openSeverableRoute(settings.endpoint ?? '')
    const store = await openBlobStore({ ...settings, endpoint: route.url }, { attempts: 3, isCached: false })
    const { sha256 } = await store.put(content)
    const hash = createHash('sha256')
    let bytes = 0
    for await (const piece of store.stream(sha256)) {
      const isFirst = bytes === 0
      bytes += piece.length
      hash.update(piece)
      if (!isFirst) continue
      route.cut()
      route.mend()
    }
    expect([bytes, hash.digest('hex')]).toEqual([content.length, sha256])
    await route.close()
  })

  it('forgets uploads in parts that a killed process left, and none that go on', async () => {
    const settings = await openTestBucket()
    const client = new S3Client({ endpoint: server?.url ?? '', region: 'us-east-1', forcePathStyle: true })
    const place = { Bucket: settings.bucket, Key: 'some/where/blobs/ab/x' }
    await client.send(new CreateMultipartUploadCommand(place))
    const store = await openBlobStore(settings, { attempts: 2, isCached: false })
    const uploads = async () =>
      (await client.send(new ListMultipartUploadsCommand({ Bucket: settings.bucket }))).Uploads?.length ?? 0
    await store.deleteDrafts(Date.UTC(2010, 0)) // moto says of each that it began later in that year
    expect(await uploads()).toBe(1)
    await store.deleteDrafts(Date.now() + 60_000)
    expect(await uploads()).toBe(0)
    client.destroy()
  })
})
