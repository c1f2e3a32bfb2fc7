import { execFile, execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

it('the quickstart trains MNIST through the API to at least 97 %, answers ten digits, and leaves no process', async () => {
  const dataDir = await mkdtemp(path.join(os.tmpdir(), 'trainyard-quickstart-'))
  execFileSync('chmod', ['755', dataDir])
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }))
  const { stdout } = await promisify(execFile)('npm', ['run', 'quickstart', '--', '--exit'], {
    cwd: root,
    env: { ...process.env, PORT: '0', TRAINYARD_DATA_DIR: dataDir, DATABASE_URL: '', REDIS_URL: '' },
    timeout: 400_000,
  })
  expect(stdout).toContain('Uploaded MNIST: 60000 training and 10000 test images')
  const epochs = stdout.match(/^ +\d+ +\d\.\d{4} +\d+\.\d\d % +\d\.\d{4} +\d+\.\d\d % +\d+\.\d\d$/gm) ?? []
  expect(epochs).toHaveLength(10)
  expect(Number(/(\d+\.\d+) % of the test images right/.exec(stdout)?.[1])).toBeGreaterThanOrEqual(97)
  const digits = stdout.match(/^ {2}\d → \d +\d+\.\d\d % {2}(right|wrong, it is a \d)$/gm) ?? []
  expect(digits).toHaveLength(10)
  expect(digits.filter(line => line.endsWith('right')).length).toBeGreaterThanOrEqual(8)
  const commands = execFileSync('ps', ['-eo', 'args', 'e'], { encoding: 'utf8', maxBuffer: 2 ** 26 })
  expect(commands.split('\n').filter(line => line.includes(dataDir))).toEqual([])
})
