import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const requirements = fileURLToPath(new URL('requirements.txt', import.meta.url))

/**
 * Installs the S3-speaking server of the tests, moto from PyPI, in a folder of its own outside node_modules, or finds
 * it there; several may do so at once.
 * @returns the folder for PYTHONPATH; `python3 -m moto.server` runs it
 * @throws Error when there is no Python with pip, or no way to PyPI
 */
export function installS3Server(): string {
  const version = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12)
  const folder = path.join(os.homedir(), '.cache', 'trainyard', `s3-server-${version}`)
  if (existsSync(folder)) return folder
  mkdirSync(path.dirname(folder), { recursive: true })
  const work = mkdtempSync(`${folder}-`)
  try {
    const options = ['--quiet', '--disable-pip-version-check', '--only-binary=:all:', '--target', work]
    execFileSync('python3', ['-m', 'pip', 'install', ...options, '-r', requirements], { stdio: 'pipe' })
    renameSync(work, folder)
  } catch (error) {
    if (!existsSync(folder)) throw error // another was faster
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return folder
}
