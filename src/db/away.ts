import { Prisma } from './generated/client.ts'

/**
 * Codes of a database that is away or going away: node's, Prisma's and Postgres's own.
 * @see Postgres appendix A, classes 08 (connection) and 57P (operator intervention), 53300 (too many connections)
 */
const AWAY_CODES =
  /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|P1001|P1002|P1008|P1017|P2024|P2028|08...|57P0.|53300)$/

const AWAY_MESSAGES =
  /timeout exceeded when trying to connect|Connection terminated|Can't reach database server|Query read timeout|server has closed the connection|Client has encountered a connection error/i

/** Whether an error says that Postgres cannot be reached, as against that it refused what it was asked. */
export function isDatabaseAway(error: unknown): boolean {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && AWAY_CODES.test(String(cause.code))) return true
    if (AWAY_MESSAGES.test(cause.message)) return true
    if (cause instanceof Prisma.PrismaClientInitializationError) return true
    if (cause instanceof Prisma.PrismaClientKnownRequestError && hasAwayOriginal(cause.meta)) return true
  }
  return false
}

/** Errors of raw queries carry the driver's code in their details. */
function hasAwayOriginal(meta: Record<string, unknown> | undefined): boolean {
  const details = JSON.stringify(meta ?? {})
  const original = /"originalCode":"([^"]+)"/.exec(details)?.[1]
  return (original !== undefined && AWAY_CODES.test(original)) || AWAY_MESSAGES.test(details)
}
