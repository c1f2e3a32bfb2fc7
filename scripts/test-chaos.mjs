// npm run test:chaos: real processes and servers, killed at random. A short form by default; `-- --long` is for a release:
// 500 jobs through 300 blows. `--seed n` strikes in the same order again; `--jobs n` and `--kills n` set how much.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { assertNode, ensureBuilt, ensureInstalled } from './ready.mjs'

const text = { type: 'string' }
const options = { long: { type: 'boolean' }, seed: text, jobs: text, kills: text }
const { values } = parseArgs({ options, allowPositionals: true })
assertNode()
ensureInstalled()
await ensureBuilt()
const set = (name, value) => (value === undefined ? {} : { [name]: value })
const environment = {
  ...process.env,
  CHAOS: '1',
  ...set('CHAOS_SEED', values.seed),
  ...set('CHAOS_JOBS', values.jobs ?? (values.long ? '250' : undefined)), // on each of the two queues
  ...set('CHAOS_KILLS', values.kills ?? (values.long ? '150' : undefined)),
}
const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url))
try {
  execFileSync(process.execPath, [vitest, 'run', '--project', 'chaos'], {
    stdio: 'inherit',
    env: environment,
  })
} catch (error) {
  process.exit(error.status ?? 1)
}
