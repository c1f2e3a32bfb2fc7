import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'

/** The compiled addon in the folder that `npm run setup:tensorflow` fills; null when it was not. */
export function findAddon(folder: string): string | null {
  const file = path.join(folder, 'tfjs_binding.node')
  return existsSync(file) ? file : null
}

/** The folders of the CUDA libraries there, which a set-up on a machine with an NVIDIA driver brings. */
export function findCudaLibraries(folder: string): string[] {
  const parts = path.join(folder, 'nvidia')
  return listFolder(parts)
    .map(part => path.join(parts, part, 'lib'))
    .filter(library => existsSync(library))
}

/** GPUs that the NVIDIA driver knows. @see "The NVIDIA Linux driver", README, chapter "The /proc interface" */
export function countGpus(): number {
  return listFolder('/proc/driver/nvidia/gpus').length
}

function listFolder(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : []
}
