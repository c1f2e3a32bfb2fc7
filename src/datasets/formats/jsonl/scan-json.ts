const QUOTE = 0x22
const BACKSLASH = 0x5c
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/

/** Where the next byte stands that is no white space; a line break is none, for it ends the object. */
export function skipSpace(bytes: Buffer, start: number): number {
  let at = start
  while (bytes[at] === 0x20 || bytes[at] === 0x09 || bytes[at] === 0x0d) at++
  return at
}

/**
 * Finds the end of a string.
 * @param start - where its quote stands
 * @returns the position after the closing quote; -1 when it is not closed, or holds a control character
 * @see RFC 8259, section 7
 */
export function scanString(bytes: Buffer, start: number): number {
  for (let at = start + 1; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0
    if (byte === QUOTE) return at + 1
    if (byte === BACKSLASH) at++
    else if (byte < 0x20) return -1
  }
  return -1
}

/** Whether a string holds a backslash. */
export function hasEscape(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] === BACKSLASH) return true
  return false
}

/** The value of a string with its quotes; null when its escapes are wrong. */
export function stringValue(bytes: Buffer, start: number, end: number): string | null {
  if (!hasEscape(bytes, start, end)) return bytes.toString('utf8', start + 1, end - 1)
  try {
    return JSON.parse(bytes.toString('utf8', start, end))
  } catch {
    return null
  }
}

/** Finds the end of a number or a word: everything that may be part of one. */
export function scanWord(bytes: Buffer, start: number): number {
  let at = start
  for (; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0
    const isPart =
      (byte >= 0x30 && byte <= 0x39) ||
      ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a) ||
      byte === 0x2b ||
      byte === 0x2d ||
      byte === 0x2e
    if (!isPart) break
  }
  return at
}

/** The value of a number; NaN when the word is none. @see RFC 8259, section 6 */
export function numberValue(word: string): number {
  return NUMBER.test(word) ? Number(word) : Number.NaN
}
