import { withConnection } from './with-connection.ts'

/** What is done by one process at a time. */
export type LockName = 'trainyard_collection'

/**
 * Works under a lock that one process of the deployment can hold; Postgres frees it when the process ends, however.
 * @param options - whether to wait for the lock; else it is taken or not
 * @param work - gets a signal that aborts when the connection, and so the lock, was lost
 * @returns null when another process holds the lock
 */
export async function withAdvisoryLock<Result>(
  databaseUrl: string,
  name: LockName,
  options: { wait: boolean },
  work: (lost: AbortSignal) => Promise<Result>,
): Promise<Result | null> {
  const lost = new AbortController()
  return withConnection(databaseUrl, async client => {
    client.on('error', error => lost.abort(error))
    const take = options.wait ? 'pg_advisory_lock' : 'pg_try_advisory_lock'
    const { rows } = await client.query(`SELECT ${take}(hashtextextended($1, 0)) AS mine`, [name])
    return rows[0].mine === false ? null : await work(lost.signal)
  })
}
