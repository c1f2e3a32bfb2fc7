import { createRequire } from 'node:module'

/** The version of the package. */
export function readVersion(): string {
  const isCompiled = import.meta.url.endsWith('.js')
  const manifest: { version: string } = createRequire(import.meta.url)(
    isCompiled ? '../../package.json' : '../package.json',
  )
  return manifest.version
}
