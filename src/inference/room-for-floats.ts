/**
 * Room for numbers that are all going to be written: it is not cleared. Small ones are parts of the memory that Node's small buffers
 * share, where room costs a tenth of what V8 asks for memory of its own, and no work of its collector.
 * @see https://nodejs.org/api/buffer.html#static-method-bufferallocunsafesize
 */
export function roomForFloats(length: number): Float32Array<ArrayBuffer> {
  const { buffer, byteOffset } = Buffer.allocUnsafe(length * Float32Array.BYTES_PER_ELEMENT)
  const isAligned = byteOffset % Float32Array.BYTES_PER_ELEMENT === 0
  return isAligned ? new Float32Array(buffer, byteOffset, length) : new Float32Array(length)
}
