// Builds the service: Prisma's client from its schema, then JavaScript into dist/.
import { execFileSync } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { prisma } from './prisma.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

export function build() {
  prisma('generate')
  rmSync(`${root}dist`, { recursive: true, force: true })
  execFileSync(
    process.execPath,
    [`${root}node_modules/typescript/bin/tsc`, '-p', `${root}tsconfig.build.json`],
    {
      stdio: 'inherit',
    },
  )
  cpSync(`${root}src/models/html/page`, `${root}dist/src/models/html/page`, { recursive: true })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) build()
