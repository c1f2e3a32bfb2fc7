import { invalidParquet } from './file.ts'

/** Types of the compact protocol. */
const TYPE = { true: 1, false: 2, byte: 3, i16: 4, i32: 5, i64: 6, double: 7, binary: 8, list: 9, struct: 12 }

const DEPTH_MAX = 16
/** Structs, lists and texts of a footer at most: each costs a reader some hundred bytes of memory. */
const ITEMS_MAX = 500_000

/** Gets the numbers of the outermost struct and of those in it: with the field of the struct, 0 for the outermost. */
export type OnNumber = (parent: number, field: number, value: number) => void

/**
 * Walks over a struct of Thrift's compact protocol and makes nothing of it: so that a few bytes which say that they
 * are a list of a billion are refused before anyone makes room for that.
 * @returns the position after it
 * @throws {AppError} DATASET_INVALID
 * @see https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 */
export function walkThrift(bytes: Uint8Array, start: number, onNumber: OnNumber = () => {}): number {
  let at = start
  let items = 0

  const next = () => {
    const byte = bytes[at]
    if (byte === undefined) throw invalidParquet('has metadata that ends too early')
    at++
    return byte
  }
  const readVarint = () => {
    let value = 0
    for (let shift = 0; shift < 10; shift++) {
      const byte = next()
      value += (byte & 0x7f) * 2 ** (7 * shift)
      if (byte < 0x80) return value
    }
    throw invalidParquet('has a number of more than 64 bits in its metadata')
  }
  const readZigzag = () => {
    const value = readVarint()
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }
  const skip = (length: number) => {
    if (length > bytes.length - at) throw invalidParquet('has metadata that says more than it holds')
    at += length
  }
  const count = () => {
    if (++items > ITEMS_MAX) throw invalidParquet(`has more than ${ITEMS_MAX} parts in its metadata`)
  }

  function walkStruct(parent: number, depth: number): void {
    count()
    if (depth > DEPTH_MAX) throw invalidParquet('has metadata that is nested too deep')
    for (let field = 0; ; ) {
      const head = next()
      const type = head & 0x0f
      if (type === 0) return
      field = head >> 4 === 0 ? readZigzag() : field + (head >> 4)
      if (type === TYPE.true || type === TYPE.false) {
        if (depth <= 1) onNumber(parent, field, type === TYPE.true ? 1 : 0)
      } else walkValue(type, parent, field, depth)
    }
  }

  function walkValue(type: number, parent: number, field: number, depth: number): void {
    switch (type) {
      case TYPE.true:
      case TYPE.false:
      case TYPE.byte:
        return skip(1)
      case TYPE.i16:
      case TYPE.i32:
      case TYPE.i64: {
        const value = readZigzag()
        if (depth <= 1) onNumber(parent, field, value)
        return
      }
      case TYPE.double:
        return skip(8)
      case TYPE.binary:
        count()
        return skip(readVarint())
      case TYPE.list:
        return walkList(depth)
      case TYPE.struct:
        return walkStruct(field, depth + 1)
      default:
        throw invalidParquet(`has a field of the unknown type ${type} in its metadata`)
    }
  }

  function walkList(depth: number): void {
    count()
    if (depth > DEPTH_MAX) throw invalidParquet('has metadata that is nested too deep')
    const head = next()
    const size = head >> 4 === 15 ? readVarint() : head >> 4
    // Every element takes a byte at least, so a size that lies ends with the bytes.
    for (let element = 0; element < size; element++) walkValue(head & 0x0f, -1, -1, depth + 1)
  }

  walkStruct(0, 0)
  return at
}
