import type { FastifyRequest } from 'fastify'

/** The content type of CSV. @see RFC 4180, section 3 */
export const CSV_TYPE = 'text/csv'

const IS_CSV = /^\s*text\/csv\s*(;|$)/i
const IS_JSON = /^\s*application\/json\s*(;|$)/i
const IS_REFUSED = /;\s*q=0(\.0*)?\s*$/

/** Whether the body of a request is CSV. */
export function isCsv({ headers }: FastifyRequest): boolean {
  return IS_CSV.test(headers['content-type'] ?? '')
}

/** Whether its first record names the columns: unless it is said to be absent. @see RFC 4180, section 3: header */
export function hasCsvHeader({ headers }: FastifyRequest): boolean {
  return !/;\s*header\s*=\s*"?absent"?\s*(;|$)/i.test(headers['content-type'] ?? '')
}

/** CSV is answered where it is accepted by name, and to CSV where JSON is not. @see RFC 9110, section 12.5.1 */
export function wantsCsv(request: FastifyRequest): boolean {
  const { accept = '' } = request.headers
  if (!isCsv(request) && !/csv/i.test(accept)) return false
  const ranges = accept.split(',').filter(range => !IS_REFUSED.test(range))
  if (ranges.some(range => IS_CSV.test(range))) return true
  return isCsv(request) && !ranges.some(range => IS_JSON.test(range))
}
