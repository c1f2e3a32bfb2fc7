import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { generateKey, hashKey, readBootstrapKey } from '../../../src/http/api-keys.ts'
import { createTestFolder } from '../../helpers/folder.ts'

describe('a new key', () => {
  it('has a prefix, an id, 24 random bytes and the checksum of all before it', () => {
    const key = generateKey()
    expect(key).toMatch(/^ty_[0-9A-Za-z]{26}_[0-9a-f]{48}_[0-9a-f]{8}$/)
    const [body, checksum] = [key.slice(0, -9), key.slice(-8)]
    expect(Number.parseInt(checksum, 16)).toBe(crc32(body))
  })

  it('is another each time', () => {
    expect(new Set(Array.from({ length: 100 }, generateKey)).size).toBe(100)
  })

  it('is stored as its SHA-256', () => {
    // FIPS 180-4, SHA-256 of "abc"
    expect(hashKey('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
    expect(hashKey('abc')).toBe(createHash('sha256').update('abc').digest('hex'))
  })
})

describe('the bootstrap key', () => {
  it('is that of the settings, and then no file is written', async () => {
    const folder = path.join(await createTestFolder(), 'data')
    expect(await readBootstrapKey(folder, 'configured')).toEqual({ key: 'configured', isNew: false })
    await expect(stat(folder)).rejects.toThrow('ENOENT')
  })

  it('is made once and kept, readable by the owner only', async () => {
    const folder = path.join(await createTestFolder(), 'a', 'new', 'folder')
    const first = await readBootstrapKey(folder, null)
    expect(first.isNew).toBe(true)
    expect(await readBootstrapKey(folder, null)).toEqual({ key: first.key, isNew: false })
    const file = path.join(folder, 'api-key')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await readFile(file, 'utf8')).toBe(`${first.key}\n`)
  })

  it('is the same for processes that start at the same time', async () => {
    const folder = await createTestFolder()
    const all = await Promise.all(Array.from({ length: 10 }, () => readBootstrapKey(folder, null)))
    expect(all.filter(({ isNew }) => isNew)).toHaveLength(1)
    expect(new Set(all.map(({ key }) => key)).size).toBe(1)
  })
})
