import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'

/** A table and its columns, in their order. */
export interface Table {
  name: string
  columns: string[]
}

/** Prisma's log, which a restore writes by migrating, and workers, which announce themselves. */
const NOT_KEPT = ['_prisma_migrations', 'workers']

/** The tables with something to keep, each after those that it refers to. The queue's are in another schema. */
export async function listTables(client: pg.Client): Promise<Table[]> {
  const { rows: tables } = await client.query<Table & { refersTo: string[] }>(
    `SELECT relname AS name,
      (SELECT array_agg(attname::text ORDER BY attnum) FROM pg_attribute
        WHERE attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = '') AS columns,
      ARRAY(SELECT target.relname::text FROM pg_constraint JOIN pg_class AS target ON target.oid = confrelid
        WHERE conrelid = pg_class.oid AND contype = 'f' AND confrelid <> conrelid) AS "refersTo"
    FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> ALL ($1)
    ORDER BY relname`,
    [NOT_KEPT],
  )
  const sorted: Table[] = []
  while (sorted.length < tables.length) {
    const done = new Set(sorted.map(({ name }) => name))
    const next = tables.filter(
      ({ name, refersTo }) => !done.has(name) && refersTo.every(one => done.has(one)),
    )
    if (next.length === 0) throw new Error('the tables must not refer to each other in a circle')
    sorted.push(...next.map(({ name, columns }) => ({ name, columns })))
  }
  return sorted
}

/** Names of the migrations that made the schema, the first first. @throws Error when there is no schema */
export async function listMigrations(client: pg.Client): Promise<string[]> {
  const { rows: found } = await client.query(
    `SELECT to_regclass('_prisma_migrations') IS NOT NULL AS "exists"`,
  )
  if (!found[0].exists) return []
  const { rows } = await client.query<{ name: string }>(
    `SELECT migration_name AS name FROM _prisma_migrations
    WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL ORDER BY migration_name`,
  )
  return rows.map(({ name }) => name)
}

/** Writes the rows of a table into a file. */
export async function copyOut(
  client: pg.Client,
  table: Table,
  file: string,
): Promise<{ rows: number; sha256: string }> {
  const rows = client.query(copyTo(`COPY ${describe(table)} TO STDOUT`))
  const hash = createHash('sha256')
  await pipeline(rows, hashing(hash), createWriteStream(file, { flush: true }))
  return { rows: rows.rowCount, sha256: hash.digest('hex') }
}

/** Reads the rows of a table from a file, and sets the counters of its columns. @returns how many rows */
export async function copyIn(client: pg.Client, table: Table, file: string): Promise<number> {
  const rows = client.query(copyFrom(`COPY ${describe(table)} FROM STDIN`))
  await pipeline(createReadStream(file), rows)
  const name = pg.escapeIdentifier(table.name)
  for (const column of table.columns) {
    const { rows: found } = await client.query('SELECT pg_get_serial_sequence($1, $2) AS sequence', [
      name,
      column,
    ])
    if (found[0].sequence === null) continue
    const newest = `(SELECT max(${pg.escapeIdentifier(column)}) FROM ${name})`
    await client.query(`SELECT setval($1, coalesce(${newest}, 1), ${newest} IS NOT NULL)`, [
      found[0].sequence,
    ])
  }
  return rows.rowCount
}

/** SHA-256 of a file, hexadecimal. */
export async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

function hashing(hash: ReturnType<typeof createHash>) {
  return async function* pass(pieces: AsyncIterable<Buffer>) {
    for await (const piece of pieces) {
      hash.update(piece)
      yield piece
    }
  }
}

function describe({ name, columns }: Table): string {
  return `${pg.escapeIdentifier(name)} (${columns.map(column => pg.escapeIdentifier(column)).join(', ')})`
}
