import type { AppError } from '../../../errors.ts'
import {
  encodeBoolean,
  encodeBytes,
  encodeMissing,
  encodeNumber,
  encodeText,
} from '../../tables/column-encoder.ts'
import { invalidCell, invalidRow, type Place, quote } from '../../tables/place.ts'
import { COLUMNS_MAX } from '../../tables/resolve-columns.ts'
import { readPlainNumber } from '../csv/read-plain-number.ts'
import { createField, type Field, type Fields } from './field.ts'
import { hasEscape, numberValue, scanString, scanWord, skipSpace, stringValue } from './scan-json.ts'

const COLON = 0x3a
const COMMA = 0x2c
const QUOTE = 0x22
const OPEN = { object: 0x7b, array: 0x5b }
const CLOSE = { object: 0x7d, array: 0x5d }
const [MINUS, POINT, ZERO, NINE, NEWLINE] = [0x2d, 0x2e, 0x30, 0x39, 0x0a]

/** Objects within objects at most. */
const DEPTH_MAX = 8

/** Reads the objects of the lines of a file. */
export interface ObjectReader {
  /**
   * Reads the object that begins at `start`; the cells of fields that have an encoder come into the row.
   * @returns the position after it and the white space that follows, which is a line break or the end of the bytes
   * @throws {AppError} DATASET_INVALID with line and column
   */
  read(bytes: Buffer, start: number, row: Float64Array): number
}

/**
 * A reader of no objects yet.
 * @param fields - what is known of them; it is added to
 * @param place - the line that is read
 */
export function createObjectReader(fields: Fields, place: Place): ObjectReader {
  const { root } = fields
  let objects = 0
  const number = new Float64Array(1)

  function add(name: string, key: Buffer): Field {
    if (++fields.count > COLUMNS_MAX)
      throw invalidRow(place, `there may be ${COLUMNS_MAX} columns; ${quote(name)} is one more`)
    return createField(name, Buffer.from(key))
  }

  /** @param start - after the opening brace @returns the position after the closing one */
  function readFields(bytes: Buffer, start: number, outer: Field, row: Float64Array, depth: number): number {
    let at = skipSpace(bytes, start)
    if (bytes[at] === CLOSE.object) return at + 1
    for (let index = 0; ; index++) {
      let field = outer.order[index]
      if (field && startsWith(bytes, at, field.key)) at += field.key.length
      else {
        if (bytes[at] !== QUOTE) throw unexpected(bytes, at, 'a key in quotes')
        const end = scanString(bytes, at)
        field = findField(bytes, at, end, outer)
        outer.order[index] = field
        at = end
      }
      if (field.object === objects)
        throw invalidRow(place, `a key must be given once; received ${quote(field.name)} twice`)
      field.object = objects
      at = skipSpace(bytes, at)
      if (bytes[at] !== COLON) throw unexpected(bytes, at, 'a colon after the key')
      at = skipSpace(bytes, readValue(bytes, skipSpace(bytes, at + 1), field, row, depth))
      if (bytes[at] === CLOSE.object) return at + 1
      if (bytes[at] !== COMMA) throw unexpected(bytes, at, 'a comma or a closing brace')
      at = skipSpace(bytes, at + 1)
    }
  }

  function findField(bytes: Buffer, start: number, end: number, outer: Field): Field {
    const key = end < 0 ? null : stringValue(bytes, start, end)
    if (key === null) throw unexpected(bytes, start, 'a key in quotes')
    let field = outer.fields.get(key)
    if (!field) {
      field = add(outer === root ? key : `${outer.name}.${key}`, bytes.subarray(start, end))
      outer.fields.set(key, field)
    }
    return field
  }

  function readValue(bytes: Buffer, at: number, field: Field, row: Float64Array, depth: number): number {
    const byte = bytes[at]
    if (byte === OPEN.object) {
      expect(field, 'object')
      if (depth === DEPTH_MAX) throw invalidCell(place, field.name, `objects may be nested ${DEPTH_MAX} deep`)
      return readFields(bytes, at + 1, field, row, depth + 1)
    }
    if (byte === OPEN.array) {
      expect(field, 'array')
      return readElements(bytes, at + 1, field, row)
    }
    return readScalar(bytes, at, field, row)
  }

  /** All arrays of a field have the same number of elements. */
  function readElements(bytes: Buffer, start: number, field: Field, row: Float64Array): number {
    const { elements } = field
    const isNew = elements.length === 0
    let at = skipSpace(bytes, start)
    let count = 0
    for (let isOpen = bytes[at] !== CLOSE.array; isOpen; count++) {
      if (isNew) elements.push(add(`${field.name}.${count}`, Buffer.alloc(0)))
      const element = elements[count]
      const byte = bytes[at]
      if (byte === OPEN.object || byte === OPEN.array || byte === QUOTE) {
        throw invalidCell(place, field.name, 'an array must hold numbers; received texts, arrays or objects')
      }
      if (element) element.object = objects
      at = skipSpace(bytes, element ? readScalar(bytes, at, element, row) : scanWord(bytes, at))
      isOpen = bytes[at] === COMMA
      if (isOpen) at = skipSpace(bytes, at + 1)
    }
    if (bytes[at] !== CLOSE.array) throw unexpected(bytes, at, 'a comma or a closing bracket')
    if (count !== elements.length) {
      throw invalidCell(
        place,
        field.name,
        `arrays must have ${elements.length} elements like the first; received ${count}`,
      )
    }
    return at + 1
  }

  function readScalar(bytes: Buffer, at: number, field: Field, row: Float64Array): number {
    const { encoder } = field
    const byte = bytes[at] ?? 0
    if (byte === QUOTE) {
      expect(field, 'value')
      const end = scanString(bytes, at)
      if (end >= 0 && encoder && !hasEscape(bytes, at, end)) {
        row[encoder.index] = encodeBytes(encoder, place, bytes, at + 1, end - 1, false)
        return end
      }
      const text = end < 0 ? null : stringValue(bytes, at, end)
      if (text === null)
        throw unexpected(bytes, at, 'a text that is closed, without control characters', field)
      if (encoder) row[encoder.index] = encodeText(encoder, place, text, false)
      return end
    }
    if (byte === MINUS || (byte >= ZERO && byte <= NINE)) {
      expect(field, 'value')
      let end = readPlainNumber(bytes, at, number, 0)
      if (end < 0 || !isJsonNumber(bytes, at, end)) {
        end = scanWord(bytes, at)
        number[0] = numberValue(bytes.toString('latin1', at, end))
        if (Number.isNaN(number[0])) throw unexpected(bytes, at, 'a value of JSON', field)
      }
      if (encoder) row[encoder.index] = encodeNumber(encoder, place, number[0] ?? 0)
      return end
    }
    const end = scanWord(bytes, at)
    switch (bytes.toString('latin1', at, end)) {
      case 'null':
        if (encoder) row[encoder.index] = encodeMissing(encoder, place)
        return end
      case 'true':
      case 'false':
        expect(field, 'value')
        if (encoder) row[encoder.index] = encodeBoolean(encoder, place, byte === 0x74)
        return end
      default:
        throw unexpected(bytes, at, 'a value of JSON', field)
    }
  }

  function expect(field: Field, holds: Field['holds']): void {
    if (field.holds === holds) return
    if (field.holds !== 'unknown') {
      throw invalidCell(
        place,
        field.name,
        `must hold ${NOUNS[field.holds]} as before; received ${NOUNS[holds]}`,
      )
    }
    field.holds = holds
  }

  function unexpected(bytes: Buffer, at: number, required: string, field?: Field): AppError {
    const end = bytes.indexOf(NEWLINE, at)
    const rest = bytes.toString('utf8', at, Math.min(at + 200, end < 0 ? bytes.length : end))
    const received = rest === '' ? 'the end of the line' : quote(rest.slice(0, 20))
    const hint = /^-?(NaN|Infinity)/.test(rest) ? ' (write null)' : ''
    const detail = `there must be ${required}; received ${received}${hint}`
    return field ? invalidCell(place, field.name, detail) : invalidRow(place, detail)
  }

  return {
    read(bytes, start, row) {
      objects = ++fields.objects
      if (bytes[start] !== OPEN.object)
        throw unexpected(bytes, start, 'an object on each line: {"feature": 1, "label": 2}')
      const at = skipSpace(bytes, readFields(bytes, start + 1, root, row, 1))
      if (at < bytes.length && bytes[at] !== NEWLINE)
        throw unexpected(bytes, at, 'a line break after an object')
      return at
    },
  }
}

const NOUNS = { unknown: 'nothing', value: 'a value', object: 'an object', array: 'an array' } as const

function startsWith(bytes: Buffer, at: number, key: Buffer): boolean {
  for (let index = 0; index < key.length; index++) if (bytes[at + index] !== key[index]) return false
  return true
}

/** Whether what was read as a plain number is one of JSON too: digits around the point, no zeros before others. */
function isJsonNumber(bytes: Buffer, start: number, end: number): boolean {
  const next = bytes[end] ?? 0
  if (bytes[end - 1] === POINT || (next | 0x20) === 0x65) return false
  const first = bytes[start] === MINUS ? start + 1 : start
  const second = bytes[first + 1] ?? 0
  return (
    bytes[first] !== POINT && !(bytes[first] === ZERO && second >= ZERO && second <= NINE && first + 1 < end)
  )
}
