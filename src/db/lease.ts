import { Prisma } from './generated/client.ts'

/** How often a worker says that it is alive. */
export const HEARTBEAT_SECONDS = 2

/**
 * After its lease has run out, and after a start of Postgres, a holder may come back for this long before its work
 * is given to another. It is part of the lease's length, so that a lost worker is replaced within it.
 */
export const GRACE_SECONDS = 2 * HEARTBEAT_SECONDS

/** The end of a lease that begins now, by Postgres's clock. */
export function leaseUntil(leaseSeconds: number): Prisma.Sql {
  return Prisma.sql`now() + ${secondsSql(leaseSeconds - GRACE_SECONDS)}`
}

/** The holder has been silent for too long. One that comes back in time keeps its work. Postgres's clock decides. */
export const IS_LOST = Prisma.sql`
  greatest(lease_until, pg_postmaster_start_time()) + ${secondsSql(GRACE_SECONDS)} < now()`

/** Seconds as an interval. */
export function secondsSql(seconds: number): Prisma.Sql {
  return Prisma.sql`make_interval(secs => ${seconds})`
}
