import { afterAll } from 'vitest'
import type { Release } from './service.ts'

/**
 * Releases at the end of a test file, the last opened first; to be made while the file is collected. `afterAll` itself
 * is none: in `beforeAll` it is taken without a word and never called, for by then the hooks of the file are fixed.
 * @see Vitest, @vitest/runner `collectTests`, which copies a file's hooks before any of them runs
 */
export function releaseAfterFile(): Release {
  const closes: (() => Promise<void>)[] = []
  afterAll(async () => {
    for (const close of closes.reverse()) await close()
  })
  return close => void closes.push(close)
}
