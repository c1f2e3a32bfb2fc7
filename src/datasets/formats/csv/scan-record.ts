import { afterRecord, createField, type Field, scanField } from './scan-field.ts'

/** The fields of one record. */
export interface ScannedRecord {
  texts: string[]
  /** Lines that the record takes; more than one where a quoted field holds line breaks. */
  lines: number
}

/** A record of nothing. */
export function createRecord(): ScannedRecord {
  return { texts: [], lines: 1 }
}

/**
 * Reads the record that begins at `start`. Records end with CRLF, LF or CR.
 * @param isLast - nothing follows these bytes
 * @returns the position after the record, or one of `SCAN`
 * @see RFC 4180, section 2
 */
export function scanRecord(
  bytes: Buffer,
  start: number,
  delimiter: number,
  isLast: boolean,
  record: ScannedRecord,
): number {
  const field = createField()
  record.texts = []
  record.lines = 1
  for (let at = start; ; at++) {
    at = scanField(bytes, at, delimiter, field)
    if (at < 0) return at
    record.texts.push(fieldText(bytes, field))
    record.lines += field.breaks
    if (at >= bytes.length || bytes[at] !== delimiter) return afterRecord(bytes, at, isLast)
  }
}

/** Whether a record is an empty line. */
export function isEmptyRecord({ texts }: ScannedRecord): boolean {
  return texts.length === 1 && texts[0] === ''
}

/** The value of a field. */
export function fieldText(bytes: Buffer, { start, end, hasDoubled }: Field): string {
  const text = bytes.toString('utf8', start, end)
  return hasDoubled ? text.replaceAll('""', '"') : text
}
