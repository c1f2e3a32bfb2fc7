import { isMissing, parseBoolean } from '../../tables/cell-words.ts'
import { parseDatetime } from '../../tables/parse-datetime.ts'
import { parseNumber } from '../../tables/parse-number.ts'
import { SCAN } from './scan-field.ts'
import { createRecord, isEmptyRecord, scanRecord } from './scan-record.ts'

/** How a file of separated values is written. */
export interface Dialect {
  /** The byte between fields. */
  delimiter: number
  hasHeader: boolean
}

/** What the owner says about it; null is for what is to be found out. */
export interface DialectOptions {
  delimiter: string | null
  hasHeader: boolean | null
}

const DELIMITERS = [',', ';', '\t', '|']
const RECORDS_MAX = 50

/**
 * Finds delimiter and header out from the beginning of a file. The delimiter is the one that cuts the first records
 * into the most fields, and all into as many. The first record is a header unless it looks like the second: when it
 * has text where the second has a number, a date or a truth value, or when it has none of those at all.
 * @param isWhole - the head is all of the file
 */
export function findDialect(head: Buffer, isWhole: boolean, options: DialectOptions): Dialect {
  const byte = options.delimiter?.charCodeAt(0) ?? findDelimiter(head, isWhole)
  const [first, second] = sample(head, isWhole, byte)
  return { delimiter: byte, hasHeader: options.hasHeader ?? looksLikeHeader(first ?? [], second ?? []) }
}

function findDelimiter(head: Buffer, isWhole: boolean): number {
  let best = { byte: DELIMITERS[0]?.charCodeAt(0) ?? 0, score: 0 }
  for (const delimiter of DELIMITERS) {
    const byte = delimiter.charCodeAt(0)
    const widths = sample(head, isWhole, byte).map(record => record.length)
    const width = widths[0] ?? 0
    const same = widths.filter(other => other === width).length / widths.length
    const score = width > 1 ? (same === 1 ? 1_000_000 : 1_000 * same) + width : 0
    if (score > best.score) best = { byte, score }
  }
  return best.byte
}

/** The first records that are not empty; those before the first mistake, if there is one. */
function sample(head: Buffer, isWhole: boolean, delimiter: number): string[][] {
  const record = createRecord()
  const records: string[][] = []
  for (let at = 0; at < head.length && records.length < RECORDS_MAX; ) {
    at = scanRecord(head, at, delimiter, isWhole, record)
    if (at <= SCAN.incomplete) break
    if (!isEmptyRecord(record)) records.push(record.texts)
  }
  return records
}

function looksLikeHeader(first: readonly string[], second: readonly string[]): boolean {
  if (first.every(isWord)) return true
  return first.some((text, field) => isWord(text) && !isMissing(text) && !isWord(second[field] ?? ''))
}

/** Neither number nor date nor truth value. */
function isWord(text: string): boolean {
  const bytes = Buffer.from(text)
  return [parseNumber(bytes, 0, bytes.length), parseDatetime(text), parseBoolean(text)].every(Number.isNaN)
}
