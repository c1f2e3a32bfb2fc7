import { Prisma } from './generated/client.ts'

/**
 * Codes of a database that is away or going away: node's, Prisma's and Postgres's own.
 * @see Postgres appendix A, classes 08 (connection) and 57P (operator intervention), 53300 (too many connections)
 */
const AWAY_CODES =
  /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|P1001|P1002|P1008|P1017|P2024|P2028|08...|57P0.|53300)$/

const AWAY_MESSAGES =
  /timeout exceeded when trying to connect|Connection terminated|Can't reach database server|Query read timeout|server has closed the connection|Client has encountered a connection error/i

/**
 * Codes of a write that lost against others, or took too long, and may succeed when it is done again.
 * @see Postgres appendix A: serialization failure, deadlock, lock not available, query cancelled (statement
 *   timeout), idle transaction ended; Prisma's P2034 is the first two
 */
const CONFLICT_CODES = /^(40001|40P01|55P03|57014|25P03|P2034)$/

/** Whether an error says that Postgres cannot be reached, as against that it refused what it was asked. */
export function isDatabaseAway(error: unknown): boolean {
  return says(error, AWAY_CODES, AWAY_MESSAGES)
}

/** Whether a write that failed may succeed when it is done again: Postgres is away, or others were in the way. */
export function isTransient(error: unknown): boolean {
  return isDatabaseAway(error) || says(error, CONFLICT_CODES, CONFLICT_MESSAGES)
}

const CONFLICT_MESSAGES = /deadlock detected|could not serialize access|canceling statement due to/i

function says(error: unknown, codes: RegExp, messages: RegExp): boolean {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && codes.test(String(cause.code))) return true
    if (messages.test(cause.message)) return true
    if (cause instanceof Prisma.PrismaClientInitializationError) return true
    if (cause instanceof Prisma.PrismaClientKnownRequestError && hasOriginal(cause.meta, codes, messages)) {
      return true
    }
  }
  return false
}

/** Errors of raw queries carry the driver's code in their details. */
function hasOriginal(meta: Record<string, unknown> | undefined, codes: RegExp, messages: RegExp): boolean {
  const details = JSON.stringify(meta ?? {})
  const original = /"originalCode":"([^"]+)"/.exec(details)?.[1]
  return (original !== undefined && codes.test(original)) || messages.test(details)
}
