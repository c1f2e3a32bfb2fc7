// npm run db:diff: prints the SQL from the committed prisma/schema.prisma to the one in the working tree, to begin a
// new migration with. Prisma's own `migrate diff` would download a native engine; this uses its WASM one.
import { execFileSync } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { assertNode, ensureBuilt, ensureInstalled } from './ready.mjs'

assertNode()
ensureInstalled()
await ensureBuilt()
const { startEmbeddedPostgres } = await import('../dist/src/db/embedded-postgres.js')
const { openSchemaEngine } = await import('../dist/src/db/migrate.js')

const root = fileURLToPath(new URL('..', import.meta.url))
const name = 'prisma/schema.prisma'
const committed = execFileSync('git', ['show', `HEAD:${name}`], { cwd: root, encoding: 'utf8' })
const present = await readFile(path.join(root, name), 'utf8')
const target = content => ({ tag: 'schemaDatamodel', files: [{ path: 'schema.prisma', content }] })

const folder = await mkdtemp(path.join(os.tmpdir(), 'trainyard-diff-'))
await chmod(folder, 0o755)
const postgres = await startEmbeddedPostgres(path.join(folder, 'postgres')) // the engine insists on a connection
try {
  const engine = await openSchemaEngine(postgres.url, present)
  const filters = { externalTables: [], externalEnums: [] }
  const request = { from: target(committed), to: target(present), script: true, filters }
  const { stdout } = await engine.diff({ ...request, shadowDatabaseUrl: null, exitCode: null })
  console.log(stdout)
} finally {
  await postgres.stop()
  await rm(folder, { recursive: true, force: true })
}
