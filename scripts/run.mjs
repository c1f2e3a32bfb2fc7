// node scripts/run.mjs <entry> [arguments]: makes the clone ready, reads .env, and runs a compiled entry in this process.
import { assertNode, ensureBuilt, ensureInstalled, loadSettings } from './ready.mjs'

assertNode()
ensureInstalled()
await ensureBuilt()
loadSettings()
const [entry] = process.argv.splice(2, 1)
try {
  await import(new URL(`../dist/${entry}.js`, import.meta.url).href)
} catch (error) {
  console.error(error.message)
  process.exit(1)
}
