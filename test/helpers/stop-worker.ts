import pg from 'pg'
import type { ServiceProcess, TestService } from './service.ts'
import { until } from './until.ts'

/**
 * Stops a worker (SIGSTOP) at a moment when it holds no lock of the database: a transaction that stands still keeps
 * the rows that it changed for 5 seconds, in which nobody else can change them.
 */
export async function stopBetweenTransactions(service: TestService, worker: ServiceProcess): Promise<void> {
  const client = new pg.Client({ connectionString: service.databaseUrl })
  await client.connect()
  try {
    const isBetween = async () => {
      worker.child.kill('SIGSTOP')
      const { rows } = await client.query(
        `SELECT 1 FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL`,
      )
      if (rows.length > 0) worker.child.kill('SIGCONT')
      return rows.length === 0
    }
    await until(isBetween, { what: 'a moment without a transaction' })
  } finally {
    await client.end()
  }
}
