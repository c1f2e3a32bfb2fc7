import { hash, randomBytes } from 'node:crypto'
import { access, link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { crc32 } from 'node:zlib'
import { newId } from '../ids.ts'

/**
 * A new key: `ty_<id>_<secret>_<crc32>`. The prefix lets scanners find leaked keys, the checksum lets them drop
 * false finds; only the hash of the whole is stored.
 */
export function generateKey(): string {
  const body = `ty_${newId('key').slice('key_'.length)}_${randomBytes(24).toString('hex')}`
  return `${body}_${crc32(body).toString(16).padStart(8, '0')}`
}

/** What is stored of a key. A key is random and long, so a plain hash is enough. */
export function hashKey(key: string): string {
  return hash('sha256', key)
}

/**
 * The key that lets the owner in: the one of the settings, or one that is made at the first start and kept in
 * `<dataDir>/api-key`, readable by the owner only.
 * @returns the key, and whether it was made now and must be shown
 */
export async function readBootstrapKey(
  dataDir: string,
  configured: string | null,
): Promise<{ key: string; isNew: boolean }> {
  if (configured !== null) return { key: configured, isNew: false }
  const file = path.join(dataDir, 'api-key')
  await mkdir(dataDir, { recursive: true })
  const isNew = !(await isThere(file)) && (await keepFirst(file, generateKey()))
  return { key: (await readFile(file, 'utf8')).trim(), isNew }
}

/**
 * Keeps a key where none is kept yet, whole or not at all: another process may read it at once.
 * @returns false when another process was first
 */
async function keepFirst(file: string, key: string): Promise<boolean> {
  const draft = `${file}.${newId('key')}`
  await writeFile(draft, `${key}\n`, { flag: 'wx', mode: 0o600 })
  try {
    await link(draft, file)
    return true
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error
    return false
  } finally {
    await rm(draft)
  }
}

async function isThere(file: string): Promise<boolean> {
  try {
    await access(file)
    return true
  } catch (error) {
    if (!isCode(error, 'ENOENT')) throw error
    return false
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

/** Shows a new key, once, to whoever started the process; never to a log. */
export function announceKey(key: string, dataDir: string): void {
  process.stdout.write(`API key, shown once and kept in ${path.join(dataDir, 'api-key')}: ${key}\n`)
}
