import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { onTestFinished } from 'vitest'

/** A folder of the test's own, removed at its end. */
export async function createTestFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'trainyard-unit-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}
