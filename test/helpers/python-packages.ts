import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** What tests have of PyPI: folders of `test/`, each with its requirements.txt. */
export type PythonPackages = 's3-server' | 'triton-client'

/**
 * Installs packages from PyPI in a folder of their own outside node_modules, or finds them there; several may do so at
 * once.
 * @returns the folder for PYTHONPATH
 * @throws Error when there is no Python with pip, or no way to PyPI
 */
export function installPythonPackages(name: PythonPackages): string {
  const requirements = fileURLToPath(new URL(`../${name}/requirements.txt`, import.meta.url))
  const version = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12)
  const folder = path.join(os.homedir(), '.cache', 'trainyard', `${name}-${version}`)
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

/** Whether packages can be had here: Python, pip and PyPI are needed once. Where CI is set, they must. */
export function hasPythonPackages(name: PythonPackages): boolean {
  try {
    installPythonPackages(name)
    return true
  } catch (error) {
    if (process.env.CI) throw new Error(`${name} is required where CI is set`, { cause: error })
    return false
  }
}
