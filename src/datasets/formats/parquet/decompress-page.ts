import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { snappyUncompress } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { invalidParquet } from './file.ts'
import type { ColumnChunk } from './footer.ts'
import { assertZstdBound } from './zstd-bound.ts'

/**
 * The bytes of a page, unpacked; never more than `length`, whatever they say of themselves.
 * @throws what the codec says is wrong with them
 * @see https://parquet.apache.org/docs/file-format/data-pages/compression/
 */
export function decompressPage(packed: Buffer, length: number, codec: ColumnChunk['codec']): Buffer {
  const page = unpack(packed, length, codec)
  if (page.length !== length)
    throw invalidParquet(`has a page of ${page.length} bytes that says it has ${length}`)
  return page
}

function unpack(packed: Buffer, length: number, codec: ColumnChunk['codec']): Buffer {
  if (length === 0) return Buffer.alloc(0)
  switch (codec) {
    case 'UNCOMPRESSED':
      return packed
    case 'SNAPPY': {
      const page = new Uint8Array(length)
      snappyUncompress(packed, page)
      return toBuffer(page)
    }
    case 'GZIP':
      return gunzipSync(packed, { maxOutputLength: length })
    case 'BROTLI':
      return brotliDecompressSync(packed, { maxOutputLength: length })
    case 'ZSTD':
      assertZstdBound(packed, length)
      return toBuffer(compressors.ZSTD?.(packed, length) ?? new Uint8Array())
    case 'LZ4':
      return toBuffer(compressors.LZ4?.(packed, length) ?? new Uint8Array())
    case 'LZ4_RAW':
      return toBuffer(compressors.LZ4_RAW?.(packed, length) ?? new Uint8Array())
    default:
      throw invalidParquet(`is compressed with ${codec}, which is none of snappy, gzip, zstd, LZ4 and Brotli`)
  }
}

function toBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}
