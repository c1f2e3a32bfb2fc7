import { crc32, deflateRawSync } from 'node:zlib'

/** A file of an archive, and what its headers are to say in place of the truth. */
export interface ZipFile {
  name: string | Buffer
  content: Uint8Array
  isDeflated?: boolean
  /** General purpose bits; bit 11 says that the name is UTF-8. */
  flags?: number
  method?: number
  crc?: number
  bytes?: number
  packedBytes?: number
  /** Unix mode, as `0o120777` of a link. */
  mode?: number
  /** In place of the place of its own header. */
  start?: number
  /** Sizes and place are in a ZIP64 extra field. */
  isZip64?: boolean
}

/**
 * An archive by the letter of its specification, and not by the library that reads archives.
 * @param more - what the end of the directory is to say
 * @see PKWARE, APPNOTE.TXT 6.3.10, section 4.3
 */
export function zipFile(
  files: readonly ZipFile[],
  more: { entries?: number; comment?: string; directoryStart?: number } = {},
): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let at = 0
  for (const file of files) {
    const name = Buffer.from(file.name)
    const packed = file.isDeflated ? deflateRawSync(file.content) : Buffer.from(file.content)
    const fields = {
      flags: file.flags ?? 0x800,
      method: file.method ?? (file.isDeflated ? 8 : 0),
      crc: file.crc ?? crc32(file.content),
      packedBytes: file.packedBytes ?? packed.length,
      bytes: file.bytes ?? file.content.length,
    }
    const start = file.start ?? at
    const local = header(0x04034b50, 30, fields, name, 10)
    const central = header(0x02014b50, 46, fields, name, 12)
    central.writeUInt16LE((3 << 8) | 45, 4)
    central.writeUInt32LE(((file.mode ?? 0o100_644) << 16) >>> 0, 38)
    central.writeUInt32LE(start, 42)
    const extra = file.isZip64
      ? zip64Extra(central, fields.bytes, fields.packedBytes, start)
      : Buffer.alloc(0)
    central.writeUInt16LE(extra.length, 30)
    parts.push(local, name, packed)
    directory.push(central, name, extra)
    at += local.length + name.length + packed.length
  }
  const written = Buffer.concat(directory)
  const entries = more.entries ?? files.length
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(Math.min(entries, 0xffff), 8)
  end.writeUInt16LE(Math.min(entries, 0xffff), 10)
  end.writeUInt32LE(written.length, 12)
  end.writeUInt32LE(more.directoryStart ?? at, 16)
  const comment = Buffer.from(more.comment ?? '')
  end.writeUInt16LE(comment.length, 20)
  const zip64 = entries > 0xffff ? [zip64End(entries, written.length, at)] : []
  return Buffer.concat([...parts, written, ...zip64, end, comment])
}

/** The end of a directory with more entries than the older end can count, and the pointer to it. */
function zip64End(entries: number, directoryBytes: number, directoryStart: number): Buffer {
  const end = Buffer.alloc(56 + 20)
  end.writeUInt32LE(0x06064b50, 0)
  const fields = [44, entries, entries, directoryBytes, directoryStart]
  for (const [index, at] of [4, 24, 32, 40, 48].entries())
    end.writeBigUInt64LE(BigInt(fields[index] ?? 0), at)
  end.writeUInt32LE(0x07064b50, 56)
  end.writeBigUInt64LE(BigInt(directoryStart + directoryBytes), 64)
  end.writeUInt32LE(1, 72)
  return end
}

/** The part that the header of a file and its copy in the directory have in common begins at another place in each. */
function header(
  signature: number,
  length: number,
  fields: { flags: number; method: number; crc: number; packedBytes: number; bytes: number },
  name: Buffer,
  crcAt: number,
): Buffer {
  const shift = length === 46 ? 2 : 0
  const head = Buffer.alloc(length)
  head.writeUInt32LE(signature, 0)
  head.writeUInt16LE(45, 4 + shift)
  head.writeUInt16LE(fields.flags, 6 + shift)
  head.writeUInt16LE(fields.method, 8 + shift)
  head.writeUInt32LE(fields.crc, crcAt + 4)
  head.writeUInt32LE(fields.packedBytes, crcAt + 8)
  head.writeUInt32LE(fields.bytes, crcAt + 12)
  head.writeUInt16LE(name.length, crcAt + 16)
  return head
}

function zip64Extra(central: Buffer, bytes: number, packedBytes: number, start: number): Buffer {
  for (const at of [20, 24, 42]) central.writeUInt32LE(0xffffffff, at)
  const extra = Buffer.alloc(28)
  extra.writeUInt16LE(1, 0)
  extra.writeUInt16LE(24, 2)
  for (const [index, value] of [bytes, packedBytes, start].entries())
    extra.writeBigUInt64LE(BigInt(value), 4 + 8 * index)
  return extra
}
