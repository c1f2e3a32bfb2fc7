import { execFileSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { idxFile, stripes } from '../helpers/idx.ts'
import { type Json, startTestService } from '../helpers/service.ts'

/** A file system of 8 MB, or null where none may be mounted. */
function mountSmallDisk(): string | null {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'trainyard-full-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', folder], { stdio: 'ignore' })
  } catch {
    return null
  }
  onTestFinished(() => void execFileSync('umount', ['--lazy', folder]))
  return folder
}

it('an upload that does not fit on the disk gets 507, leaves nothing, and the next one is taken', async context => {
  const folder = mountSmallDisk()
  if (folder === null) return context.skip('nothing may be mounted here')
  const service = await startTestService({ environment: { TRAINYARD_DATA_DIR: folder } })
  const upload = (images: Buffer, labels: Buffer) => {
    const form = new FormData()
    form.set('name', 'large')
    form.set('trainImages', new Blob([Uint8Array.from(images)]), 'images')
    form.set('trainLabels', new Blob([Uint8Array.from(labels)]), 'labels')
    return service.request('/v1/datasets', { method: 'POST', body: form })
  }
  const examples = 12_000 // × 1 kB
  const refused = await upload(
    idxFile([examples, 32, 32], new Uint8Array(examples * 32 * 32)),
    idxFile([examples], new Uint8Array(examples)),
  )
  expect(refused.status).toBe(507)
  expect((await refused.json()) as Json).toMatchObject({ code: 'STORAGE_FULL', status: 507 })
  const files = await readdir(folder, { recursive: true, withFileTypes: true })
  expect(files.filter(file => file.isFile()).map(({ name }) => name)).toEqual([])
  const { images, labels } = stripes(30)
  expect((await upload(images, labels)).status).toBe(201)
  expect(service.api.child.exitCode).toBe(null)
})
