import { createReadStream, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import path from 'node:path'
import { receiveDataset, type UploadPart } from '../../../src/datasets/upload.ts'
import { createImageDecoder } from '../../../src/images/decode-image.ts'
import { createDiskBlobStore } from '../../../src/storage/disk-blob-store.ts'

/** Takes one file in, in a process of its own; prints seconds, and the most memory that the process had, as JSON. */
const [file = '', imageSize = ''] = process.argv.slice(2)

/** Since this program began: `maxRSS` would have what its parent needed before, too. */
function peakMegabytes(): number {
  const [, kibibytes = 'NaN'] = /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  return (Number(kibibytes) * 1_024) / 1e6
}

async function* parts(): AsyncGenerator<UploadPart> {
  yield { kind: 'field', name: 'name', value: 'bench' }
  if (imageSize !== '') yield { kind: 'field', name: 'imageSize', value: imageSize }
  yield { kind: 'file', name: 'file', content: createReadStream(file) }
}

const folder = await mkdtemp(path.join(path.dirname(file), 'store-'))
try {
  const deps = { blobs: createDiskBlobStore(folder), uploadBytesMax: 2 ** 40, ...createImageDecoder() }
  const startedMs = performance.now()
  await receiveDataset(deps, parts())
  const seconds = (performance.now() - startedMs) / 1_000
  console.log(JSON.stringify({ seconds, megabytes: peakMegabytes() }))
} finally {
  await rm(folder, { recursive: true, force: true })
}
