import { invalidParquet } from './file.ts'

const MAGIC = 0xfd2fb528
const BLOCK_BYTES_MAX = 128 * 1024
const BLOCK = { raw: 0, repeated: 1, compressed: 2 }

/**
 * Checks that zstd frames cannot unpack to much more than is expected, for the decoder makes room for whatever they
 * say: by the size that a frame claims, its window, and the blocks that it has.
 * @throws {AppError} DATASET_INVALID
 * @see RFC 8878, section 3.1.1
 */
export function assertZstdBound(packed: Buffer, length: number): void {
  const limit = 2 * length + 8 * BLOCK_BYTES_MAX
  let bound = 0
  const add = (bytes: number) => {
    bound += bytes
    if (bound > limit)
      throw invalidParquet(`has a zstd page that unpacks to more than the ${length} bytes it says`)
  }
  for (let at = 0; at < packed.length; ) {
    const magic = packed.readUInt32LE(at)
    if (magic >>> 4 === 0x184d2a5) {
      at += 8 + packed.readUInt32LE(at + 4)
      continue
    }
    if (magic !== MAGIC) throw invalidParquet('has a zstd page that does not begin as one')
    const frame = readFrameHeader(packed, at)
    if (frame.window > Math.max(limit, 8 * 1024 ** 2)) {
      throw invalidParquet(`has a zstd page with a window of ${frame.window} bytes`)
    }
    if (frame.size > limit) add(frame.size)
    at = frame.end
    for (let isLast = false; !isLast; ) {
      const head = packed.readUIntLE(at, 3)
      isLast = (head & 1) === 1
      const type = (head >> 1) & 3
      const size = head >> 3
      add(type === BLOCK.compressed ? Math.min(BLOCK_BYTES_MAX, frame.window) : size)
      at += 3 + (type === BLOCK.repeated ? 1 : size)
    }
    if (frame.hasChecksum) at += 4
  }
}

function readFrameHeader(packed: Buffer, start: number) {
  const flags = packed.readUInt8(start + 4)
  const isSingle = (flags & 0x20) !== 0
  const sizeBytes = [isSingle ? 1 : 0, 2, 4, 8][flags >> 6] ?? 0
  let at = start + 5
  let window = 0
  if (!isSingle) {
    const descriptor = packed.readUInt8(at++)
    window = 2 ** (10 + (descriptor >> 3)) * (1 + (descriptor & 7) / 8)
  }
  at += [0, 1, 2, 4][flags & 3] ?? 0
  const size =
    sizeBytes === 8
      ? Number(packed.readBigUInt64LE(at))
      : sizeBytes > 0
        ? packed.readUIntLE(at, sizeBytes)
        : 0
  return {
    end: at + sizeBytes,
    window: isSingle ? size + (sizeBytes === 2 ? 256 : 0) : window,
    size,
    hasChecksum: (flags & 4) !== 0,
  }
}
