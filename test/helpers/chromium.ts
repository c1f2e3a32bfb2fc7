import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'

/** Where a Chromium may be; tests that need one are skipped by name where there is none. */
export const CHROMIUM =
  ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync) ?? null

/**
 * Opens a page in a browser without a window, and gives its document as it is once its scripts have run.
 * @param folder - for the browser's own files
 */
export async function dumpPage(url: string, folder: string): Promise<string> {
  const { stdout } = await promisify(execFile)(
    CHROMIUM ?? '',
    [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
      ...[
        `--user-data-dir=${path.join(folder, 'chromium')}`,
        '--virtual-time-budget=20000',
        '--dump-dom',
        url,
      ],
    ],
    { maxBuffer: 64 * 1024 ** 2 },
  )
  return stdout
}
