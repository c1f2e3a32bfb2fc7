import { existsSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'

/** The release of TensorFlow that the engine is built with. */
export const TENSORFLOW_VERSION = '2.21.0'

/**
 * Where the native libraries and the addon are kept: in the user's cache, so that `npm ci` does not lose them.
 * @see XDG Base Directory Specification, `$XDG_CACHE_HOME`
 */
export function tensorflowFolder(cacheHome: string | undefined): string {
  const cache = cacheHome || path.join(os.homedir(), '.cache')
  return path.join(cache, 'trainyard', `tensorflow-${TENSORFLOW_VERSION}-${os.platform()}-${os.arch()}`)
}

/** The compiled addon in that folder; null when it was not set up. */
export function findAddon(folder: string): string | null {
  const file = path.join(folder, 'tfjs_binding.node')
  return existsSync(file) ? file : null
}
