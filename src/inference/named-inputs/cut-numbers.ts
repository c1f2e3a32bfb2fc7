import { parseNumber } from '../../datasets/tables/parse-number.ts'
import type { Work } from '../turns.ts'

/** An array of numbers that was cut out of a JSON text. */
export interface NumberArray {
  numbers: Float64Array
  shape: readonly number[]
}

/** A JSON text without its large arrays. */
export interface CutText {
  /** With a mark in the place of each array, by which `findCut` finds it. */
  json: string
  arrays: readonly NumberArray[]
}

/** A field that no client thinks of; an array is in `arrays` under the number that it has. */
const MARK = '\u0000numbers'

/** An array may be nested so deep; what is deeper stays in the text. */
const DEPTH_MAX = 8

/** Numbers between two looks at the clock. */
const NUMBERS_AT_ONCE = 1_024

const QUOTE = 34
const PLUS = 43
const COMMA = 44
const MINUS = 45
const POINT = 46
const ZERO = 48
const NINE = 57
const COLON = 58
const LARGE_EXPONENT = 69
const OPEN = 91
const BACKSLASH = 92
const CLOSE = 93
const EXPONENT = 101
const BEGIN = 123
const END = 125

/**
 * Cuts arrays of numbers out of a JSON text, so that they become typed arrays straight from the bytes and JSON.parse is
 * left with the little that stands around them. Only rectangular arrays of nothing but numbers are cut; all else,
 * right or wrong, stays, and so does whatever is wrong with the text.
 * @param keys - of the fields that may hold such an array
 * @param depth - of their objects and lists; 1 is the outermost object
 */
export async function cutNumbers(
  text: Buffer,
  { keys, depth }: { keys: ReadonlySet<string>; depth: number },
  work: Work,
): Promise<CutText> {
  const arrays: NumberArray[] = []
  const pieces: string[] = []
  let kept = 0
  let level = 0
  let at = 0
  while (at < text.length) {
    const byte = text[at] ?? 0
    if (byte === BEGIN || byte === OPEN) level++
    else if (byte === END || byte === CLOSE) level--
    at++
    if (byte !== QUOTE) continue
    const end = endOfString(text, at)
    const colon = skipSpace(text, end)
    const value = skipSpace(text, colon + 1)
    const isCandidate = level === depth && text[colon] === COLON && text[value] === OPEN
    const found =
      isCandidate && keys.has(text.toString('latin1', at, end - 1))
        ? await readArray(text, value, work)
        : null
    at = end
    if (!found) continue
    pieces.push(text.toString('utf8', kept, value), JSON.stringify({ [MARK]: arrays.length }))
    arrays.push(found)
    kept = found.end
    at = found.end
  }
  pieces.push(text.toString('utf8', kept))
  return { json: pieces.join(''), arrays }
}

/** The array that was cut out in the place of a value; null when none was. */
export function findCut(value: unknown, arrays: readonly NumberArray[]): NumberArray | null {
  if (typeof value !== 'object' || value === null || !(MARK in value)) return null
  return arrays[Number(value[MARK])] ?? null
}

/** @returns the place behind the closing quote */
function endOfString(text: Buffer, start: number): number {
  for (let from = start; ; ) {
    const quote = text.indexOf(QUOTE, from)
    if (quote === -1) return text.length
    let before = quote
    while (before > start && text[before - 1] === BACKSLASH) before--
    if ((quote - before) % 2 === 0) return quote + 1
    from = quote + 1
  }
}

function skipSpace(text: Buffer, from: number): number {
  let at = from
  for (let byte = text[at]; byte === 32 || byte === 10 || byte === 13 || byte === 9; byte = text[at]) at++
  return at
}

/**
 * Reads an array of numbers, nested or not.
 * @param start - of its bracket
 * @returns null when it is no such array
 */
async function readArray(
  text: Buffer,
  start: number,
  work: Work,
): Promise<(NumberArray & { end: number }) | null> {
  let numbers = new Float64Array(NUMBERS_AT_ONCE)
  let length = 0
  let at = start
  let depth = 0
  let depthOfNumbers: number | null = null
  const counts: number[] = [] // what each open list has so far
  const shape: number[] = [] // by depth, once the first list of it is closed
  while (true) {
    at = skipSpace(text, at)
    if (text[at] === OPEN) {
      if (depth === DEPTH_MAX || depth === depthOfNumbers) return null
      counts[depth++] = 0
      at++
      continue
    }
    const end = endOfNumber(text, at)
    depthOfNumbers ??= depth
    if (end === null || depth !== depthOfNumbers) return null
    if (length === numbers.length) numbers = doubled(numbers)
    numbers[length++] = parseNumber(text, at, end)
    if (length % NUMBERS_AT_ONCE === 0 && work.isOver()) await work.next()
    at = skipSpace(text, end)
    counts[depth - 1] = (counts[depth - 1] ?? 0) + 1
    for (; text[at] === CLOSE; at = skipSpace(text, at)) {
      const count = counts[--depth] ?? 0
      shape[depth] ??= count
      if (shape[depth] !== count) return null
      at++
      if (depth === 0) return { numbers: numbers.subarray(0, length), shape, end: at }
      counts[depth - 1] = (counts[depth - 1] ?? 0) + 1
    }
    if (text[at] !== COMMA) return null
    at++
  }
}

function doubled(numbers: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const more = new Float64Array(2 * numbers.length)
  more.set(numbers)
  return more
}

/** @returns null when there is no number as JSON writes them. @see RFC 8259, section 6 */
function endOfNumber(text: Buffer, start: number): number | null {
  const first = text[start] === MINUS ? start + 1 : start
  let at = skipDigits(text, first)
  if (at === first || (text[first] === ZERO && at > first + 1)) return null
  if (text[at] === POINT) {
    const fraction = at + 1
    at = skipDigits(text, fraction)
    if (at === fraction) return null
  }
  if (text[at] !== EXPONENT && text[at] !== LARGE_EXPONENT) return at
  const sign = text[at + 1]
  const exponent = sign === MINUS || sign === PLUS ? at + 2 : at + 1
  at = skipDigits(text, exponent)
  return at === exponent ? null : at
}

function skipDigits(text: Buffer, from: number): number {
  let at = from
  for (let byte = text[at] ?? 0; byte >= ZERO && byte <= NINE; byte = text[at] ?? 0) at++
  return at
}
