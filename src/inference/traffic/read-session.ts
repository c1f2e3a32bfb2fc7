import type { IncomingHttpHeaders } from 'node:http'

/** Header that keeps a client with one version of an alias that is split. */
export const SESSION_HEADER = 'x-trainyard-session'

/** The session of a request; null without one. */
export function readSession(headers: IncomingHttpHeaders): string | null {
  const session = headers[SESSION_HEADER]
  return typeof session === 'string' && session !== '' ? session : null
}
