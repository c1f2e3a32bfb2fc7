import { existsSync } from 'node:fs'
import path from 'node:path'

/** The compiled addon in the folder that `npm run setup:tensorflow` fills; null when it was not. */
export function findAddon(folder: string): string | null {
  const file = path.join(folder, 'tfjs_binding.node')
  return existsSync(file) ? file : null
}
