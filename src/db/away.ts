import { Prisma } from './generated/client.ts'

/**
 * Codes of a database that is away or going away: node's, Prisma's, those of its adapter and Postgres's own.
 * @see Postgres appendix A, classes 08 (connection) and 57P (operator intervention), 53300 (too many connections)
 */
const AWAY_CODES = new RegExp(
  `^(${[
    'ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN',
    'P1001|P1002|P1008|P1017|P2024|P2028',
    'DatabaseNotReachable|ConnectionClosed|SocketTimeout|TooManyConnections|TransactionAlreadyClosed',
    '08...|57P0.|53300',
  ].join('|')})$`,
)

const AWAY_MESSAGES =
  /timeout exceeded when trying to connect|Connection terminated|Can't reach database server|Query read timeout|server has closed the connection|Client has encountered a connection error/i

/**
 * Codes of a write that lost against others, or took too long, and may succeed when it is done again.
 * @see Postgres appendix A: serialization failure, deadlock, lock not available, query cancelled (statement
 *   timeout), idle transaction ended; Prisma's P2034 is the first two
 */
const CONFLICT_CODES = /^(40001|40P01|55P03|57014|25P03|P2034)$/

const CONFLICT_MESSAGES = /deadlock detected|could not serialize access|canceling statement due to/i

/** Whether an error says that Postgres cannot be reached, as against that it refused what it was asked. */
export function isDatabaseAway(error: unknown): boolean {
  return says(error, AWAY_CODES, AWAY_MESSAGES)
}

/** Whether a write that failed may succeed when it is done again: Postgres is away, or others were in the way. */
export function isTransient(error: unknown): boolean {
  return isDatabaseAway(error) || says(error, CONFLICT_CODES, CONFLICT_MESSAGES)
}

function says(error: unknown, codes: RegExp, messages: RegExp): boolean {
  for (const detail of detailsOf(error)) {
    if (detail instanceof Prisma.PrismaClientInitializationError) return true
    const { code, originalCode, kind, message } = detail
    if ([code, originalCode, kind].some(name => typeof name === 'string' && codes.test(name))) return true
    if (typeof message === 'string' && messages.test(message)) return true
  }
  return false
}

/**
 * An error and what it was made of. What Prisma's adapter for Postgres was told is a plain object: the cause of its
 * own error, which comes as it is from a BEGIN or COMMIT, and in the `meta` of Prisma's errors from all else.
 */
function* detailsOf(error: unknown): Generator<Record<string, unknown>> {
  for (let detail = error; isObject(detail); detail = detail.cause) {
    yield detail
    if (isObject(detail.meta)) yield* detailsOf(detail.meta.driverAdapterError)
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
