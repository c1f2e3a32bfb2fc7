import { isUtf8 } from 'node:buffer'
import { setImmediate as breathe } from 'node:timers/promises'
import {
  type Entry,
  fromRandomAccessReaderPromise,
  getFileNameLowLevel,
  RandomAccessReader,
  validateFileName,
  type ZipFile,
} from 'yauzl'
import { AppError } from '../../../errors.ts'
import { quote } from '../../tables/place.ts'
import type { SpooledFile } from './spooled-file.ts'

/** A file in an archive, as the directory at its end says. */
export interface ZipEntry {
  /** Folders and name, with `/` between them; a label, and never a path of ours. */
  name: string
  /** Unpacked. */
  bytes: number
  packedBytes: number
  isDeflated: boolean
  crc32: number
  /** Where its own header begins. */
  start: number
  /** Where what follows begins: it may not reach further. */
  end: number
}

/** Files and folders of an archive at most. */
export const ENTRIES_MAX = 250_000
const NAME_BYTES_MAX = 512

/** Entries after which others get a turn at the event loop: what is in the window is read without leaving it. */
const ENTRIES_PER_TURN = 1_000

/** @see APPNOTE.TXT 6.3.10, section 4.4.2 (host system), and stat.h: S_IFMT, S_IFREG, S_IFDIR */
const UNIX = 3
const FILE_TYPE = 0o170_000
const PLAIN_TYPES = [0, 0o100_000, 0o040_000]
const DIRECTORY_SIGNATURE = 0x02014b50

/**
 * Reads what an archive says of its files, and refuses archives that could do harm: no file of it was unpacked yet.
 * ZIP64 too.
 * @param bytesMax - of all files together, unpacked
 * @returns the files, without folders, in the order of their places
 * @throws {AppError} DATASET_INVALID, PAYLOAD_TOO_LARGE
 * @see PKWARE, APPNOTE.TXT 6.3.10
 */
export async function readDirectory(file: SpooledFile, bytesMax: number): Promise<ZipEntry[]> {
  const reader = new SpoolReader(file)
  try {
    const zip = await fromRandomAccessReaderPromise(reader, file.bytes, {
      autoClose: false,
      decodeStrings: false, // names are decoded below
    })
    if (zip.entryCount > ENTRIES_MAX) {
      throw new AppError(
        'PAYLOAD_TOO_LARGE',
        `a ZIP may have ${ENTRIES_MAX} entries; received ${zip.entryCount}`,
      )
    }
    return await readEntries(zip, file, bytesMax)
  } catch (error) {
    if (reader.failure) throw reader.failure
    if (error instanceof AppError || !(error instanceof Error)) throw error
    const detail = `a ZIP must be whole and intact: ${error.message}`
    throw new AppError('DATASET_INVALID', detail, { cause: error })
  }
}

async function readEntries(zip: ZipFile, file: SpooledFile, bytesMax: number): Promise<ZipEntry[]> {
  const directoryStart = Number(zip.readEntryCursor) // a number, whatever its type says
  const entries: ZipEntry[] = []
  const names = new Set<string>()
  let bytes = 0
  for await (const entry of zip.eachEntry()) {
    if (names.size % ENTRIES_PER_TURN === 0) await breathe()
    const name = nameOf(entry)
    assertHarmless(entry, name)
    bytes += entry.uncompressedSize
    if (bytes > bytesMax) {
      throw new AppError('PAYLOAD_TOO_LARGE', `a ZIP may hold ${bytesMax} bytes, unpacked; received more`)
    }
    if (names.has(name)) throw invalidEntry(name, 'names must differ; received it twice')
    names.add(name)
    entries.push({
      name,
      bytes: entry.uncompressedSize,
      packedBytes: entry.compressedSize,
      isDeflated: entry.compressionMethod === 8,
      crc32: entry.crc32,
      start: entry.relativeOffsetOfLocalHeader,
      end: directoryStart,
    })
  }
  await assertAllRead(zip, file)
  separate(entries, directoryStart)
  return entries.filter(({ name }) => !name.endsWith('/'))
}

/** A name in UTF-8 where it can be: some programs forget to say that it is. */
function nameOf({ fileNameRaw, generalPurposeBitFlag, extraFields }: Entry): string {
  const flags = isUtf8(fileNameRaw) ? generalPurposeBitFlag | 0x800 : generalPurposeBitFlag
  const name = getFileNameLowLevel(flags, fileNameRaw, extraFields, true)
  if (fileNameRaw.length > NAME_BYTES_MAX || name.length > NAME_BYTES_MAX) {
    throw invalidEntry(name, `names may have ${NAME_BYTES_MAX} bytes; received ${fileNameRaw.length}`)
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  if (name === '' || validateFileName(name) !== null || /[\x00-\x1f\x7f]/.test(name)) {
    throw invalidEntry(
      name,
      'names must be relative, with / between folders, without .. and control characters',
    )
  }
  return name
}

function assertHarmless(entry: Entry, name: string): void {
  if (entry.isEncrypted()) throw invalidEntry(name, 'files must not be encrypted')
  if (!entry.canDecodeFileData()) {
    const detail = `files must be stored or deflated; received compression method ${entry.compressionMethod}`
    throw invalidEntry(name, detail)
  }
  const mode = entry.externalFileAttributes >>> 16
  if (entry.versionMadeBy >>> 8 === UNIX && !PLAIN_TYPES.includes(mode & FILE_TYPE)) {
    throw invalidEntry(name, 'entries must be files and folders; received a link or a device')
  }
}

/** No entry lies within another one, so that a small archive cannot be unpacked to more than its entries say. */
function separate(entries: ZipEntry[], directoryStart: number): void {
  entries.sort((a, b) => a.start - b.start)
  for (const [index, entry] of entries.entries()) {
    const next = entries[index + 1]
    entry.end = next ? next.start : directoryStart
    if (entry.start + 30 + entry.packedBytes > entry.end) throw overlaps(entry, next)
  }
}

function overlaps({ name }: ZipEntry, next: ZipEntry | undefined): AppError {
  return invalidEntry(
    name,
    `entries must not overlap; received one that overlaps ${next ? quote(next.name) : 'the directory'}`,
  )
}

/** The end of the archive says how many entries there are; when there are more, it lies. */
async function assertAllRead(zip: ZipFile, file: SpooledFile): Promise<void> {
  const next = await file.read(Number(zip.readEntryCursor), 4)
  if (next.length === 4 && next.readUInt32LE(0) === DIRECTORY_SIGNATURE) {
    const detail = `a ZIP must have as many entries as it says; received more than ${zip.entryCount}`
    throw new AppError('DATASET_INVALID', detail)
  }
}

/** An error that names the entry. */
export function invalidEntry(name: string, detail: string): AppError {
  return new AppError('DATASET_INVALID', `entry ${quote(name)}: ${detail}`)
}

/** Gives yauzl bytes of a spooled file, and keeps apart what is wrong with the disk and what is wrong with the archive. */
class SpoolReader extends RandomAccessReader {
  failure: unknown = null
  readonly #file: SpooledFile

  constructor(file: SpooledFile) {
    super()
    this.#file = file
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null, bytesRead?: number) => void,
  ): void {
    const isWithin = position >= 0 && position + length <= this.#file.bytes
    const reading = isWithin ? this.#file.read(position, length) : Promise.resolve(Buffer.alloc(0))
    reading
      .catch(error => {
        this.failure = error
        throw error
      })
      .then(bytes => {
        bytes.copy(buffer, offset)
        callback(null, bytes.length)
      })
      .catch(callback) // what yauzl throws ends the reading too
  }
}
