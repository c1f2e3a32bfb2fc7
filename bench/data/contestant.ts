import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import multipart from '@fastify/multipart'
import { parse } from 'csv-parse'
import Fastify from 'fastify'
import { inferSchema, initParser } from 'udsv'
import { receiveDataset, type UploadPart } from '../../src/datasets/upload.ts'
import { readMultipart } from '../../src/http/multipart.ts'
import { createImageDecoder } from '../../src/images/decode-image.ts'
import { createDiskBlobStore } from '../../src/storage/disk-blob-store.ts'
import { csvFile, type MadeFile } from './files.ts'
import { postFile } from './upload.ts'

/** Runs one way to take a CSV of numbers in, in a process of its own; prints megabytes a second. */
const CONTESTANTS: Record<string, (file: MadeFile) => Promise<void>> = {
  /** From bytes in memory to stored examples: parsed, encoded, profiled, hashed, written, synced. */
  async trainyard(file) {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'trainyard-bench-'))
    async function* parts(): AsyncGenerator<UploadPart> {
      yield { kind: 'field', name: 'name', value: 'bench' }
      yield { kind: 'file', name: 'file', content: Readable.from(file.pieces()) }
    }
    try {
      const deps = { blobs: createDiskBlobStore(folder), uploadBytesMax: 2 ** 40, ...createImageDecoder() }
      await receiveDataset(deps, parts())
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },

  /** From bytes to arrays of numbers, which are thrown away. */
  async udsv(file) {
    const decoder = new TextDecoder()
    const pieces = file.pieces()
    const head = `${decoder.decode(pieces.next().value)}${decoder.decode(pieces.next().value, { stream: true })}`
    const parser = initParser(inferSchema(head))
    let rows = 0
    const take = (text: string) =>
      parser.chunk<unknown[]>(text, parser.typedArrs, batch => {
        rows += batch.length
      })
    take(head)
    for (const piece of pieces) take(decoder.decode(piece, { stream: true }))
    parser.end()
    if (rows === 0) throw new Error('udsv must have read rows')
  },

  /** From bytes to arrays of numbers, which are thrown away. */
  async 'csv-parse'(file) {
    let rows = 0
    for await (const record of Readable.from(file.pieces()).pipe(parse({ cast: true }))) rows += record.length
    if (rows === 0) throw new Error('csv-parse must have read rows')
  },

  /** From a socket to the bytes of the file, which are thrown away: Fastify, its parser of multipart bodies, and ours around it. */
  async multipart(file) {
    const app = Fastify()
    await app.register(multipart)
    app.post('/', async request => {
      let bytes = 0
      for await (const part of readMultipart(request, { fileBytesMax: 2 ** 40 })) {
        if (part.kind === 'file') for await (const piece of part.content) bytes += piece.length
      }
      return { bytes }
    })
    await postFile(await app.listen({ port: 0 }), '', file)
    await app.close()
  },
}

const [name = '', megabytes = '', digits = ''] = process.argv.slice(2)
const file = csvFile(1e6 * Number(megabytes), Number(digits))
const run = CONTESTANTS[name]
if (!run) throw new Error(`the contestants are ${Object.keys(CONTESTANTS).join(', ')}; received ${name}`)
const startedMs = performance.now()
await run(file)
console.log((file.bytes / 1e6 / ((performance.now() - startedMs) / 1_000)).toString())
