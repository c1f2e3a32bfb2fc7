const QUOTE = 0x22
const NEWLINE = 0x0a
const RETURN = 0x0d
const SPACE = 0x20
const TAB = 0x09

/** The fields of one record: where each begins and ends in the bytes. */
export interface Fields {
  count: number
  starts: Int32Array
  ends: Int32Array
  /** 1 where a quoted field holds doubled quotes, which its value has once. */
  doubled: Uint8Array
  /** Lines that the record takes; more than one where a quoted field holds line breaks. */
  lines: number
}

/** What a scan ends with, in place of the position after the record. */
export const SCAN = {
  /** The bytes end within the record. */
  incomplete: -1,
  /** A quote stands within a field that does not begin with one. */
  strayQuote: -2,
  /** Something follows the closing quote of a field. */
  afterQuote: -3,
} as const

/** Room for the fields of records; it grows with them. */
export function createFields(): Fields {
  const room = 64
  return {
    count: 0,
    starts: new Int32Array(room),
    ends: new Int32Array(room),
    doubled: new Uint8Array(room),
    lines: 0,
  }
}

/**
 * Finds the fields of the record that begins at `start`. Records end with CRLF, LF or CR; a field in quotes may hold
 * line breaks, delimiters and doubled quotes. Spaces around a field are left out, unless they stand within quotes: RFC
 * 4180 counts them in, but files with `, ` between fields are more frequent than spaces that mean something.
 * @param isLast - nothing follows these bytes
 * @returns the position after the record, or one of `SCAN`
 * @see RFC 4180, section 2
 */
export function scanRecord(
  bytes: Uint8Array,
  start: number,
  delimiter: number,
  isLast: boolean,
  fields: Fields,
): number {
  const end = bytes.length
  let at = start
  let count = 0
  fields.lines = 1
  for (;;) {
    if (count === fields.starts.length) grow(fields)
    while (at < end && isBlank(bytes[at] ?? 0, delimiter)) at++
    let byte = at < end ? (bytes[at] ?? 0) : -1
    if (byte === QUOTE) {
      const closing = findClosingQuote(bytes, at + 1, fields, count)
      if (closing < 0) return SCAN.incomplete
      fields.starts[count] = at + 1
      fields.ends[count] = closing
      at = closing + 1
      while (at < end && isBlank(bytes[at] ?? 0, delimiter)) at++
      byte = at < end ? (bytes[at] ?? 0) : -1
      if (byte >= 0 && byte !== delimiter && byte !== NEWLINE && byte !== RETURN) return SCAN.afterQuote
    } else {
      fields.starts[count] = at
      for (; at < end; at++) {
        byte = bytes[at] ?? 0
        if (byte === delimiter || byte === NEWLINE || byte === RETURN) break
        if (byte === QUOTE) return SCAN.strayQuote
      }
      let last = at
      while (last > (fields.starts[count] ?? 0) && isBlank(bytes[last - 1] ?? 0, delimiter)) last--
      fields.ends[count] = last
      fields.doubled[count] = 0
    }
    count++
    if (at >= end) {
      fields.count = count
      return isLast ? end : SCAN.incomplete
    }
    if (byte === delimiter) {
      at++
      continue
    }
    fields.count = count
    if (byte === NEWLINE) return at + 1
    if (at + 1 === end) return isLast ? end : SCAN.incomplete // a newline may follow the return
    return bytes[at + 1] === NEWLINE ? at + 2 : at + 1
  }
}

function isBlank(byte: number, delimiter: number): boolean {
  return (byte === SPACE || byte === TAB) && byte !== delimiter
}

/** @returns -1 when there is none */
function findClosingQuote(bytes: Uint8Array, start: number, fields: Fields, field: number): number {
  fields.doubled[field] = 0
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte === QUOTE) {
      if (bytes[at + 1] !== QUOTE) return at
      fields.doubled[field] = 1
      at++
    } else if (byte === NEWLINE || (byte === RETURN && bytes[at + 1] !== NEWLINE)) fields.lines++
  }
  return -1
}

function grow(fields: Fields): void {
  const starts = new Int32Array(2 * fields.starts.length)
  starts.set(fields.starts)
  const ends = new Int32Array(starts.length)
  ends.set(fields.ends)
  const doubled = new Uint8Array(starts.length)
  doubled.set(fields.doubled)
  Object.assign(fields, { starts, ends, doubled })
}
