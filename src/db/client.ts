import { PrismaPg } from '@prisma/adapter-pg'
import { CalmClient } from './calm-client.ts'
import { PrismaClient } from './generated/client.ts'

/**
 * A client that can open transactions. Inside one, what opens another gets a savepoint in it, so that a use case
 * can be a transaction of its own or a part of its caller's.
 */
export type Database = Omit<PrismaClient, '$connect' | '$disconnect' | '$on' | '$extends'>

/** A client, or the client inside one of its transactions: what every repository takes. */
export type Db = Omit<Database, '$transaction'>

/** How a process may use Postgres. */
export interface DatabaseOptions {
  url: string
  /** Connections kept at most. */
  poolSize: number
  /** A statement that takes longer is an error; for requests short, so that they are answered while Postgres stands still. */
  statementMsMax?: number
  /** Called with errors of idle connections, which would otherwise end the process. */
  onError: (error: Error) => void
}

const STATEMENT_MS_MAX = 10_000

/**
 * Opens a pool of connections to Postgres behind a Prisma client. Nothing connects before the first query.
 * Every wait is bounded, so that a lost database is an error within seconds and never a hang: node-postgres
 * itself would wait for ever.
 */
export function createDatabase({
  url,
  poolSize,
  onError,
  statementMsMax = STATEMENT_MS_MAX,
}: DatabaseOptions): PrismaClient {
  const adapter = new PrismaPg(
    {
      connectionString: url,
      max: poolSize,
      connectionTimeoutMillis: 1_500,
      statement_timeout: statementMsMax,
      query_timeout: statementMsMax,
      idle_in_transaction_session_timeout: 5_000, // a process that stands still must not keep its locks
      keepAlive: true,
      Client: CalmClient,
    },
    { onPoolError: onError, onConnectionError: onError },
  )
  return new PrismaClient({ adapter, transactionOptions: { maxWait: 2_000, timeout: 10_000 } })
}
