import type { FileHandle } from 'node:fs/promises'

/**
 * Part of a file, shorter where the file ends before. The memory is its own, not of Node's pool: whoever gets it may
 * make arrays of other types over it.
 */
export async function readAt(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, offset + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}
