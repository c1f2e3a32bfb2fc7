import { crc32 } from 'node:zlib'
import { AppError } from '../../../errors.ts'
import { decompressPage } from './decompress-page.ts'
import { invalidParquet, type RangeFile, readExactly } from './file.ts'
import type { ColumnChunk } from './footer.ts'
import { type PageHeader, readPageHeader } from './page-header.ts'

/** One page, unpacked. */
export interface Page extends PageHeader {
  /** Levels, where they are not packed with the values. */
  levels: Buffer
  content: Buffer
}

/** Bytes of one page at most. */
export const PAGE_BYTES_MAX = 64 * 1024 ** 2
const HEADER_BYTES_MAX = 64 * 1024

/**
 * Reads the pages of one column of a row group, one after the other.
 * @throws {AppError} DATASET_INVALID, PAYLOAD_TOO_LARGE
 */
export async function* readPages(
  file: RangeFile,
  { offset, bytes, codec }: ColumnChunk,
): AsyncGenerator<Page> {
  const end = offset + bytes
  let window: Buffer = Buffer.alloc(0)
  for (let at = offset; at < end; ) {
    const wanted = Math.min(HEADER_BYTES_MAX, end - at)
    if (window.length < Math.min(wanted, 1_024)) window = await readExactly(file, at, wanted)
    let header: PageHeader
    try {
      header = readPageHeader(window)
    } catch (error) {
      if (window.length >= wanted) throw error
      window = await readExactly(file, at, wanted)
      header = readPageHeader(window)
    }
    at += header.end
    window = window.subarray(header.end)
    if (Math.max(header.bytes, header.packedBytes) > PAGE_BYTES_MAX) throw tooLarge(header)
    if (header.packedBytes > end - at)
      throw invalidParquet('has a page that goes on beyond the pages of its column')
    const isThere = header.packedBytes <= window.length
    const packed = isThere
      ? window.subarray(0, header.packedBytes)
      : await readExactly(file, at, header.packedBytes)
    window = window.subarray(Math.min(window.length, header.packedBytes))
    at += header.packedBytes
    if (header.kind !== 'other') yield unpack(header, packed, codec)
  }
}

function unpack(header: PageHeader, packed: Buffer, codec: ColumnChunk['codec']): Page {
  if (header.checksum !== null && header.checksum >>> 0 !== crc32(packed)) {
    throw invalidParquet('has a page whose checksum does not match: it is damaged')
  }
  const levelBytes = header.levelBytes + header.repetitionBytes
  const levels = packed.subarray(header.repetitionBytes, levelBytes)
  const values = packed.subarray(levelBytes)
  try {
    const content = decompressPage(
      values,
      header.bytes - levelBytes,
      header.isPacked ? codec : 'UNCOMPRESSED',
    )
    return { ...header, levels, content }
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    throw invalidParquet(`has a page that cannot be unpacked with ${codec}`, cause)
  }
}

function tooLarge({ bytes, packedBytes }: PageHeader): AppError {
  const detail = `a page of a Parquet file may have ${PAGE_BYTES_MAX} bytes; received ${Math.max(bytes, packedBytes)}`
  return new AppError('PAYLOAD_TOO_LARGE', `${detail} (write it with smaller pages)`)
}
