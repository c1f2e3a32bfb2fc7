import { crc32 } from 'node:zlib'
import { type Entry, fromBufferPromise, type ZipFile } from 'yauzl'
import { AppError } from '../../errors.ts'
import { refuse } from './refuse.ts'

/** Files of an archive at most. */
const ENTRIES_MAX = 64

/** Bytes of all files together at most, unpacked. */
const UNPACKED_BYTES_MAX = 256 * 1024 ** 2

/** What archivers and desktops add. */
const IGNORED = /(^|\/)(__MACOSX\/|\.DS_Store$|Thumbs\.db$)|\/$/

/**
 * Reads a ZIP archive into memory. Names are keys and nothing else; a folder that holds everything is left out of them.
 * @throws {AppError} MODEL_FILE_INVALID when it is no whole archive, or too much is in it
 */
export async function readArchive(bytes: Buffer): Promise<ReadonlyMap<string, Buffer>> {
  try {
    const zip = await fromBufferPromise(bytes, { validateEntrySizes: true, strictFileNames: true })
    return withoutFolder(await readEntries(zip))
  } catch (error) {
    if (error instanceof AppError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw refuse(`the archive must be a whole ZIP file: ${reason}`)
  }
}

async function readEntries(zip: ZipFile): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>()
  let entries = 0
  let unpacked = 0
  for await (const entry of zip.eachEntry()) {
    if (++entries > ENTRIES_MAX) throw refuse(`an archive may have ${ENTRIES_MAX} files; this one has more`)
    if (IGNORED.test(entry.fileName)) continue
    if (files.has(entry.fileName)) throw refuse(`${entry.fileName} must be in the archive once`)
    if (entry.isEncrypted()) throw refuse('an archive must not be encrypted')
    unpacked += entry.uncompressedSize
    if (unpacked > UNPACKED_BYTES_MAX) {
      throw refuse(`an archive may hold ${UNPACKED_BYTES_MAX} bytes unpacked; this one holds more`)
    }
    files.set(entry.fileName, await readEntry(zip, entry))
  }
  return files
}

/** No more than the entry says can come: `validateEntrySizes` sees to it. */
async function readEntry(zip: ZipFile, entry: Entry): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of await zip.openReadStreamPromise(entry)) pieces.push(piece)
  const content = Buffer.concat(pieces)
  if (crc32(content) !== entry.crc32) throw refuse(`${entry.fileName} must be whole; its checksum is another`)
  return content
}

function withoutFolder(files: Map<string, Buffer>): Map<string, Buffer> {
  const names = [...files.keys()]
  const folder = names[0]?.slice(0, names[0].indexOf('/') + 1) ?? ''
  if (folder === '' || !names.every(name => name.startsWith(folder))) return files
  return new Map([...files].map(([name, content]) => [name.slice(folder.length), content]))
}
