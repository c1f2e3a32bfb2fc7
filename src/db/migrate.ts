import { readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { PrismaPg } from '@prisma/adapter-pg'
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils'
import type pg from 'pg'
import { withConnection } from './with-connection.ts'

/** Any fixed number: the same in every process, so that one migrates while the others wait. */
const MIGRATION_LOCK = 8_246_153

/** Prisma's note, beside the migrations, of the database that they are for. */
export const LOCK_FILE = 'migration_lock.toml'

/** The one part of the standard that is used here; its types come only with those of a browser. */
declare const WebAssembly: {
  instantiate(bytes: Uint8Array, imports: object): Promise<{ instance: { exports: Record<string, unknown> } }>
}

interface Migration {
  name: string
  sql: string
}

/**
 * Brings the database to the schema of `folder`, which holds Prisma's migrations. Processes that start at once
 * take turns under an advisory lock. Rows and checksums are Prisma's own, so `prisma migrate deploy` can go on
 * from here. The schema engine is Prisma's WASM build: its native one is downloaded at run time.
 * @returns the names of the migrations applied now
 */
export async function migrate(databaseUrl: string, folder: string): Promise<string[]> {
  const migrations = await readMigrations(folder)
  return withConnection(databaseUrl, async lock => {
    await lock.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK])
    const applied = await findAppliedNames(lock)
    if (migrations.every(migration => applied.has(migration.name))) return []
    return await applyMigrations(databaseUrl, folder, migrations)
  })
}

/** Names of the migrations in a folder, in their order. */
export async function readMigrationNames(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  return entries
    .filter(entry => entry.isDirectory())
    .map(entry => entry.name)
    .sort()
}

async function readMigrations(folder: string): Promise<Migration[]> {
  const names = await readMigrationNames(folder)
  return Promise.all(
    names.map(async name => ({
      name,
      sql: await readFile(path.join(folder, name, 'migration.sql'), 'utf8'),
    })),
  )
}

async function findAppliedNames(client: pg.Client): Promise<Set<string>> {
  const table = await client.query(`SELECT to_regclass('_prisma_migrations') IS NOT NULL AS "exists"`)
  if (!table.rows[0].exists) return new Set()
  const { rows } = await client.query(
    'SELECT migration_name FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL',
  )
  return new Set(rows.map(row => row.migration_name))
}

async function applyMigrations(
  databaseUrl: string,
  folder: string,
  migrations: Migration[],
): Promise<string[]> {
  const engine = await openSchemaEngine(databaseUrl)
  try {
    const { appliedMigrationNames } = await engine.applyMigrations({
      migrationsList: {
        baseDir: folder,
        shadowDbInitScript: '',
        lockfile: { path: LOCK_FILE, content: await readFile(path.join(folder, LOCK_FILE), 'utf8') },
        migrationDirectories: migrations.map(({ name, sql }) => ({
          path: name,
          migrationFile: { path: 'migration.sql', content: { tag: 'ok', value: sql } },
        })),
      },
      filters: { externalTables: [], externalEnums: [] },
    })
    return appliedMigrationNames
  } finally {
    engine.free()
  }
}

/**
 * Prisma's schema engine on the given database. The caller frees it.
 * @param datamodel - a Prisma schema; only diffs need it
 */
export async function openSchemaEngine(
  databaseUrl: string,
  datamodel = 'datasource db { provider = "postgresql" }',
) {
  glue ??= loadSchemaEngine()
  const { SchemaEngine } = await glue
  const adapter = bindMigrationAwareSqlAdapterFactory(new PrismaPg({ connectionString: databaseUrl }))
  return SchemaEngine.new({ datamodels: [['schema.prisma', datamodel]] }, () => {}, adapter)
}

type Glue = typeof import('@prisma/schema-engine-wasm/schema_engine_bg')

/** The package keeps its instance in a variable of its own, so a process can have one only. */
let glue: Promise<Glue> | undefined

async function loadSchemaEngine(): Promise<Glue> {
  const file = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm/schema_engine_bg')
  const loaded: Glue = await import(pathToFileURL(file).href)
  const wasm = await readFile(file.replace(/\.js$/, '.wasm'))
  const { instance } = await WebAssembly.instantiate(wasm, { './schema_engine_bg.js': loaded })
  // wasm-bindgen's way in, which the package leaves out of its types.
  const { __wbg_set_wasm: setWasm } = loaded as unknown as { __wbg_set_wasm(exports: object): void }
  setWasm(instance.exports)
  const start = instance.exports.__wbindgen_start
  if (typeof start === 'function') start()
  return loaded
}
