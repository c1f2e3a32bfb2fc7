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

/**
 * GPUs that the NVIDIA driver knows.
 * @see "The NVIDIA Linux driver", README, chapter "The /proc interface"; where a container hides it, /dev has the devices
 */
export function countGpus(): number {
  const devices = listFolder('/dev').filter(name => /^nvidia\d+$/.test(name))
  return Math.max(listFolder('/proc/driver/nvidia/gpus').length, devices.length)
}

/**
 * The GPUs that a process may use, by what CUDA calls them: numbers, or names.
 * @param visible - the setting `CUDA_VISIBLE_DEVICES`, a list that ends at what is no device; null: all
 * @see "CUDA C++ Programming Guide", "CUDA Environment Variables"
 */
export function chooseGpus(count: number, visible: string | null): string[] {
  if (count === 0) return []
  if (visible === null) return Array.from({ length: count }, (_, index) => String(index))
  const chosen = visible.split(',').map(name => name.trim())
  const end = chosen.findIndex(name => !/^(\d+|(GPU|MIG)-\S+)$/.test(name) || Number(name) >= count)
  return chosen.slice(0, end === -1 ? chosen.length : end)
}

function listFolder(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : []
}
