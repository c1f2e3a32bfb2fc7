/** A value of a cell; null is an empty one. */
export type CsvValue = string | number | boolean | null

/** A record of CSV, with its line break. @see RFC 4180, section 2 */
export function csvRecord(values: readonly CsvValue[]): string {
  return `${values.map(csvField).join(',')}\r\n`
}

function csvField(value: CsvValue): string {
  if (typeof value !== 'string') return value === null ? '' : String(value)
  return /[",\r\n]|^\s|\s$/.test(value) ? `"${value.replaceAll('"', '""')}"` : value
}
