import { AppError } from '../../../errors.ts'

/** What the head of an IDX file says. */
export interface IdxHeader {
  /** Length along each axis; the first is the number of examples. */
  dimensions: number[]
}

/** What an IDX file is read as: pixels (3 axes, or 4 with channels) or labels (1 axis). */
export type IdxRole = 'images' | 'labels'

const AXES: Record<IdxRole, readonly number[]> = { images: [2, 3, 4], labels: [1] }
const UNSIGNED_BYTE = 0x08

/**
 * Reads an IDX file as it arrives: checks its head, hands its numbers on, and checks that they are as many as the
 * head says, so a lying head is found at the first byte too many.
 * @param source - the bytes of the file, in any pieces
 * @param onHeader - called once, before the first numbers
 * @returns the numbers, one byte each, in pieces
 * @throws {AppError} DATASET_INVALID
 * @see LeCun, Cortes & Burges, "The MNIST database of handwritten digits": 2 zero bytes, type, number of axes,
 *   big-endian 32-bit lengths, then the numbers row by row
 */
export async function* readIdx(
  source: AsyncIterable<Uint8Array>,
  role: IdxRole,
  onHeader: (header: IdxHeader) => void,
): AsyncGenerator<Uint8Array> {
  let head = Buffer.alloc(0)
  let expected: number | null = null
  let received = 0
  for await (const piece of source) {
    let numbers = piece
    if (expected === null) {
      head = Buffer.concat([head, piece])
      const parsed = parseHeader(head, role)
      if (parsed === null) continue
      onHeader(parsed.header)
      expected = parsed.header.dimensions.reduce((product, length) => product * length, 1)
      numbers = head.subarray(parsed.headBytes)
    }
    received += numbers.length
    if (received > expected) {
      throw invalid(`an IDX file must end where its header says, after ${expected} numbers; received more`)
    }
    if (numbers.length > 0) yield numbers
  }
  if (expected === null) {
    throw invalid(
      `an IDX file must begin with a header of 4 bytes and 4 for each axis; received ${head.length} bytes`,
    )
  }
  if (received < expected) {
    throw invalid(
      `an IDX file must hold the ${expected} numbers of its header; received ${received}: it is truncated`,
    )
  }
}

/** @returns null while the head is not complete */
function parseHeader(head: Buffer, role: IdxRole): { header: IdxHeader; headBytes: number } | null {
  if (head.length < 4) return null
  const [zero, alsoZero, type, axes] = head
  if (zero !== 0 || alsoZero !== 0) {
    throw invalid(`an IDX file must begin with two zero bytes; received 0x${head.toString('hex', 0, 4)}`)
  }
  if (type !== UNSIGNED_BYTE) {
    throw invalid(
      `IDX numbers must be unsigned bytes (type 0x08); received type 0x${head.toString('hex', 2, 3)}`,
    )
  }
  if (axes === undefined || !AXES[role].includes(axes)) {
    throw invalid(`IDX ${role} must have ${AXES[role].join(' or ')} axes; received ${axes}`)
  }
  const headBytes = 4 + 4 * axes
  if (head.length < headBytes) return null
  const dimensions = Array.from({ length: axes }, (_, axis) => head.readUInt32BE(4 + 4 * axis))
  if (dimensions.includes(0)) {
    throw invalid(`IDX lengths must be at least 1; received ${dimensions.join(' × ')}`)
  }
  return { header: { dimensions }, headBytes }
}

function invalid(message: string): AppError {
  return new AppError('DATASET_INVALID', message)
}
