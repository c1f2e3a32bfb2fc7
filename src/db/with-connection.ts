import type pg from 'pg'
import { CalmClient } from './calm-client.ts'

const CONNECT_MS_MAX = 5_000

/**
 * Works on a connection of its own, outside any pool, which is closed at the end.
 */
export async function withConnection<Result>(
  databaseUrl: string,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new CalmClient({
    connectionString: databaseUrl,
    connectionTimeoutMillis: CONNECT_MS_MAX,
    keepAlive: true,
  })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
