import pino from 'pino'
import { bufferLines } from './buffered-lines.ts'

/** The structured log that every part writes to; children carry `requestId`, `jobId` and the like. */
export type Logger = pino.Logger

/** Where secrets may stand in what is logged; of `req` no header is. */
const SECRET_PATHS = ['headers.authorization', 'authorization', 'apiKey', 'databaseUrl', 'redisUrl']

/**
 * A logger to standard error: one JSON object a line, or readable lines on a terminal.
 * @param options.name - the process: `api`, `worker`, `trainer`
 * @param options.buffered - write some kilobytes at once, after a tenth of a second at the latest: for a process that logs
 *   thousands of lines a second. A `kill -9` takes the last ones with it.
 */
export function createLogger(options: {
  name: string
  level: string
  pretty: boolean
  buffered?: boolean
}): Logger {
  return pino(
    {
      name: options.name,
      level: options.level,
      redact: { paths: SECRET_PATHS, censor: '[redacted]' },
      serializers: { req: serializeRequest },
    },
    options.pretty
      ? pino.transport({
          target: 'pino-pretty',
          options: { destination: 2, ignore: 'pid,hostname', singleLine: true },
        })
      : options.buffered
        ? bufferLines(2)
        : pino.destination({ dest: 2, sync: true }),
  )
}

/** A request in the log: without its query, which may hold secrets. */
function serializeRequest({ method, url, ip }: { method?: string; url?: string; ip?: string }) {
  const query = url?.indexOf('?') ?? -1
  return { method, url: query === -1 ? url : url?.slice(0, query), remoteAddress: ip }
}
