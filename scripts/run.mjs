// node scripts/run.mjs <entry> [arguments]: makes the clone ready, reads .env, and runs a compiled entry in this process.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { assertNode, ensureBuilt, ensureInstalled } from './ready.mjs'

assertNode()
ensureInstalled()
await ensureBuilt()
const environment = fileURLToPath(new URL('../.env', import.meta.url))
if (existsSync(environment)) process.loadEnvFile(environment)
const [entry] = process.argv.splice(2, 1)
try {
  await import(new URL(`../dist/${entry}.js`, import.meta.url).href)
} catch (error) {
  console.error(error.message)
  process.exit(1)
}
