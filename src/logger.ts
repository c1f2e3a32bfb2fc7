import pino from 'pino'

/** The structured log that every part writes to; children carry `requestId`, `jobId` and the like. */
export type Logger = pino.Logger

/** Where secrets may stand in what is logged. */
const SECRET_PATHS = [
  'req.headers.authorization',
  'req.headers.cookie',
  'headers.authorization',
  'authorization',
  'apiKey',
  'databaseUrl',
  'redisUrl',
]

const BUFFER_BYTES = 4_096
const FLUSH_MS = 100

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
      : pino.destination({
          dest: 2,
          ...(options.buffered
            ? { sync: false, minLength: BUFFER_BYTES, periodicFlush: FLUSH_MS }
            : { sync: true }),
        }),
  )
}

/** A request in the log: without its query, which may hold secrets. */
function serializeRequest({ method, url, ip }: { method?: string; url?: string; ip?: string }) {
  return { method, url: url?.split('?', 1)[0], remoteAddress: ip }
}
