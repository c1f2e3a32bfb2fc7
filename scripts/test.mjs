// npm test: format, lint, types, build, then every test. Installs what is missing, so a fresh clone is enough.
// Arguments go to vitest: npm test -- test/unit
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { assertNode, ensureBuilt, ensureInstalled } from './ready.mjs'

assertNode()
ensureInstalled()
const bin = name => fileURLToPath(new URL(`../node_modules/${name}`, import.meta.url))
const steps = [
  ['Format and lint', bin('@biomejs/biome/bin/biome'), 'ci', '.'],
  ['Build', null],
  ['Types', bin('typescript/bin/tsc'), '--noEmit', '-p', fileURLToPath(new URL('..', import.meta.url))],
  ['Tests', bin('vitest/vitest.mjs'), 'run', ...process.argv.slice(2)],
]
for (const [what, file, ...args] of steps) {
  console.log(`\n── ${what}`)
  try {
    if (file === null) await ensureBuilt()
    else execFileSync(process.execPath, [file, ...args], { stdio: 'inherit' })
  } catch (error) {
    console.error(`${what}: failed`)
    process.exit(error.status ?? 1)
  }
}
