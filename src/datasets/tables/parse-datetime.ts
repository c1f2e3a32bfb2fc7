const ISO =
  /^(\d{4})-(\d\d)(?:-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s?(Z|z|[+-]\d\d(?::?\d\d)?)?)?)?$/

/**
 * Reads a date, or a date and time, of ISO 8601: `2026-11`, `2026-11-24`, `2026-11-24T18:30`, with `T` or a space,
 * seconds and parts of them, `Z` or an offset. Without an offset it is UTC.
 * @returns milliseconds since 1970-01-01T00:00Z, NaN when the text is none or no such day exists
 * @see RFC 3339, section 5.6, which is stricter: there seconds and offset are required
 */
export function parseDatetime(text: string): number {
  const match = ISO.exec(text)
  if (!match) return Number.NaN
  const [, year, month, day = '01', hour = '00', minute = '00', second = '00', fraction = '', zone = 'Z'] =
    match
  const [y, m, d, h, min, s] = [year, month, day, hour, minute, second].map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const date = new Date(0)
  date.setUTCFullYear(y, m - 1, d) // Date.UTC takes the years 0 … 99 for 1900 … 1999
  const isDay = date.getUTCMonth() === m - 1 && date.getUTCDate() === d
  if (!isDay || h > 23 || min > 59 || s > 59) return Number.NaN
  const offsetMinutes = parseZone(zone)
  const milliseconds = Math.floor(Number(`0.${fraction || '0'}`) * 1_000 + 1e-6)
  return date.getTime() + ((h * 60 + min - offsetMinutes) * 60 + s) * 1_000 + milliseconds
}

/** @returns minutes east of UTC, NaN when there is no such zone */
function parseZone(zone: string): number {
  if (zone === 'Z' || zone === 'z') return 0
  const hours = Number(zone.slice(1, 3))
  const minutes = Number(zone.slice(3).replace(':', '') || '0')
  if (hours > 23 || minutes > 59) return Number.NaN
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes)
}
