// Runs the Prisma CLI for the commands that need no native engine (generate, validate, format): the CLI
// downloads one before it does anything, unless this variable names an executable. Never `migrate` or
// `db push`: with a stand-in engine they exit 0 and do nothing; the service applies migrations itself.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const commands = ['generate', 'validate', 'format']

export function prisma(command) {
  if (!commands.includes(command))
    throw new Error(`prisma command must be one of ${commands}, received ${command}`)
  const cli = fileURLToPath(new URL('../node_modules/prisma/build/index.js', import.meta.url))
  execFileSync(process.execPath, [cli, command], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      ...process.env,
      PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
      CHECKPOINT_DISABLE: '1',
      PRISMA_HIDE_UPDATE_MESSAGE: '1',
    },
  })
}
