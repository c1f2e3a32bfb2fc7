const QUOTE = 0x22
const SPACE = 0x20
const TAB = 0x09

/** Line feed. */
export const NEWLINE = 0x0a
/** Carriage return. */
export const RETURN = 0x0d

/** One field: where it stands in the bytes. */
export interface Field {
  start: number
  end: number
  /** Doubled quotes are in it, which its value has once. */
  hasDoubled: boolean
  /** Line breaks within its quotes. */
  breaks: number
}

/** What a scan ends with, in place of a position. */
export const SCAN = {
  /** The bytes end within the record. */
  incomplete: -1,
  /** A quote stands within a field that does not begin with one. */
  strayQuote: -2,
  /** Something follows the closing quote of a field. */
  afterQuote: -3,
} as const

/** A field of nothing. */
export function createField(): Field {
  return { start: 0, end: 0, hasDoubled: false, breaks: 0 }
}

/**
 * Finds the field that begins at `start`. Spaces around it are left out, unless they stand within quotes: RFC 4180
 * counts them in, but files with `, ` between fields are more frequent than spaces that mean something.
 * @returns where its delimiter or line break stands, or the end of the bytes, or one of `SCAN`
 * @see RFC 4180, section 2
 */
export function scanField(bytes: Uint8Array, start: number, delimiter: number, field: Field): number {
  const end = bytes.length
  let at = start
  field.hasDoubled = false
  field.breaks = 0
  while (at < end && isBlank(bytes[at] ?? 0, delimiter)) at++
  if (at < end && bytes[at] === QUOTE) {
    const closing = findClosingQuote(bytes, at + 1, field)
    if (closing < 0) return SCAN.incomplete
    field.start = at + 1
    field.end = closing
    at = closing + 1
    while (at < end && isBlank(bytes[at] ?? 0, delimiter)) at++
    return at < end && !isBoundary(bytes[at] ?? 0, delimiter) ? SCAN.afterQuote : at
  }
  field.start = at
  for (; at < end; at++) {
    const byte = bytes[at] ?? 0
    if (isBoundary(byte, delimiter)) break
    if (byte === QUOTE) return SCAN.strayQuote
  }
  let last = at
  while (last > field.start && isBlank(bytes[last - 1] ?? 0, delimiter)) last--
  field.end = last
  return at
}

/**
 * Where the next record begins.
 * @param at - where a line break stands, or the end of the bytes
 * @param isLast - nothing follows these bytes
 * @returns `SCAN.incomplete` when that is not known yet
 */
export function afterRecord(bytes: Uint8Array, at: number, isLast: boolean): number {
  const end = bytes.length
  if (at >= end) return isLast ? end : SCAN.incomplete
  if (bytes[at] === NEWLINE) return at + 1
  if (at + 1 === end) return isLast ? end : SCAN.incomplete // a newline may follow the return
  return bytes[at + 1] === NEWLINE ? at + 2 : at + 1
}

function isBoundary(byte: number, delimiter: number): boolean {
  return byte === delimiter || byte === NEWLINE || byte === RETURN
}

function isBlank(byte: number, delimiter: number): boolean {
  return (byte === SPACE || byte === TAB) && byte !== delimiter
}

/** @returns -1 when there is none */
function findClosingQuote(bytes: Uint8Array, start: number, field: Field): number {
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte === QUOTE) {
      if (bytes[at + 1] !== QUOTE) return at
      field.hasDoubled = true
      at++
    } else if (byte === NEWLINE || (byte === RETURN && bytes[at + 1] !== NEWLINE)) field.breaks++
  }
  return -1
}
