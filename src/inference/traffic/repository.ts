import type { Db } from '../../db/client.ts'

/** What is counted apart: a version, in a role, since a move of an alias. */
export interface TrafficKey {
  modelName: string
  alias: string
  /** The move since which is counted. */
  moveId: number
  version: number
  /** `answer`, or `shadow`: computed besides, and compared. */
  role: 'answer' | 'shadow'
}

/** What is counted. */
export interface TrafficCounts {
  requests: number
  predictions: number
  failures: number
  compared: number
  agreed: number
  dropped: number
  /** Sum over the requests. */
  latencySeconds: number
  /** Requests by bucket of their duration. */
  latencies: number[]
}

/** Adds counts to those of all processes, in one statement: all of them or none. */
export async function addTraffic(db: Db, rows: readonly (TrafficKey & TrafficCounts)[]): Promise<void> {
  // In one order, so that two processes never wait for each other.
  const sorted = rows.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  await db.$executeRaw`
    INSERT INTO alias_traffic (model_name, alias, move_id, version, role, requests, predictions, failures,
      compared, agreed, dropped, latency_seconds, latencies)
    SELECT "modelName", alias, "moveId", version, role, requests, predictions, failures,
      compared, agreed, dropped, "latencySeconds", latencies
    FROM jsonb_to_recordset(${JSON.stringify(sorted)}::jsonb) AS added ("modelName" text, alias text,
      "moveId" bigint, version int, role text, requests bigint, predictions bigint, failures bigint,
      compared bigint, agreed bigint, dropped bigint, "latencySeconds" float8, latencies bigint[])
    ON CONFLICT (model_name, alias, move_id, version, role) DO UPDATE SET
      requests = alias_traffic.requests + excluded.requests,
      predictions = alias_traffic.predictions + excluded.predictions,
      failures = alias_traffic.failures + excluded.failures,
      compared = alias_traffic.compared + excluded.compared,
      agreed = alias_traffic.agreed + excluded.agreed,
      dropped = alias_traffic.dropped + excluded.dropped,
      latency_seconds = alias_traffic.latency_seconds + excluded.latency_seconds,
      latencies = ARRAY(
        SELECT coalesce(kept, 0) + coalesce(added, 0)
        FROM unnest(alias_traffic.latencies, excluded.latencies) WITH ORDINALITY AS pair (kept, added, bucket)
        ORDER BY bucket),
      updated_at = now()`
}

/** What an alias did since a move, by version and role. */
export async function readTraffic(
  db: Db,
  { modelName, alias, moveId }: Pick<TrafficKey, 'modelName' | 'alias' | 'moveId'>,
): Promise<(TrafficKey & TrafficCounts)[]> {
  const rows = await db.aliasTraffic.findMany({
    where: { modelName, alias, moveId },
    orderBy: [{ version: 'asc' }, { role: 'asc' }],
  })
  return rows.map(row => ({
    modelName,
    alias,
    moveId,
    version: row.version,
    role: row.role as TrafficKey['role'], // a CHECK keeps it to these
    requests: Number(row.requests),
    predictions: Number(row.predictions),
    failures: Number(row.failures),
    compared: Number(row.compared),
    agreed: Number(row.agreed),
    dropped: Number(row.dropped),
    latencySeconds: row.latencySeconds,
    latencies: row.latencies.map(Number),
  }))
}
