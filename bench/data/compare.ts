import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { startService } from '../../launcher/service.ts'
import { readConfig } from '../../src/config.ts'
import { readBootstrapKey } from '../../src/http/api-keys.ts'
import { describeMachine } from '../machine.ts'
import { writeResults } from '../results.ts'
import { markdownTable } from '../table.ts'
import { csvFile, idxFile, jsonlFile, type MadeFile, parquetFile } from './files.ts'
import { findProcess, pinToCores, type Usage, watch } from './process.ts'
import { postFile } from './upload.ts'

const CONTESTANTS = {
  trainyard: 'Trainyard: to stored examples',
  udsv: 'udsv: to arrays of numbers',
  'csv-parse': 'csv-parse: to arrays of numbers',
  multipart: 'the multipart parser alone',
} as const

/**
 * How fast data is taken in: files through the whole service over loopback, with the API on one core, and what its
 * memory is meanwhile; and the CSV parser beside others. `--megabytes 2000` is the size of the largest file.
 */
export async function benchData(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { megabytes: { type: 'string', default: '2000' } } })
  const megabytes = Number(values.megabytes)
  const machine = describeMachine()
  const parsers = await compareParsers(Math.min(megabytes, 200))
  const { rows, isPinned } = await measureUploads(megabytes)
  const tables = [writeUploads(rows), writeParsers(parsers)]
  console.log(`\n${tables.join('\n\n')}`)
  writeResults('data', machine, { uploads: rows, parsers }, tables, [
    `Uploads: from a socket on loopback to stored, synced examples. The API ${isPinned ? 'is kept on one core' : 'may use all cores'},`,
    'the sender on another. Resident: the most that the process of the API had at once. Cells: 8 bytes each.',
    'Parsers: 20 columns of numbers and a label from memory, each in a process of its own.',
  ])
}

interface Upload extends Usage {
  label: string
  bytes: number
  cellBytes: number
}

async function measureUploads(megabytes: number): Promise<{ rows: Upload[]; isPinned: boolean }> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'trainyard-bench-'))
  await chmod(folder, 0o755)
  process.env.TRAINYARD_DATA_DIR = folder
  process.env.LOG_LEVEL = 'warn'
  const config = { ...readConfig({ ...process.env, PORT: '0' }), apiKey: null }
  const service = await startService(config, 'inherit', () => {})
  const rows: Upload[] = []
  try {
    const { key } = await readBootstrapKey(folder, null)
    const pid = findProcess('src/server', folder)
    const send = async (file: MadeFile, isCounted = true) => {
      let answer: unknown
      const usage = await watch(pid, async () => {
        answer = await postFile(`${service.url}/v1/datasets`, key, file)
      })
      if (isCounted)
        rows.push({ label: file.label, bytes: file.bytes, cellBytes: cellBytesOf(answer), ...usage })
    }
    await send(csvFile(20e6, 6), false) // until the code is compiled
    const small = Math.min(megabytes, 400)
    await send({ ...idxFile(1e6 * small), label: 'IDX of images, all cores' })
    const isPinned = pinToCores(pid, '0')
    if (isPinned) pinToCores(process.pid, String(os.availableParallelism() - 1))
    await send(csvFile(1e6 * megabytes, 6))
    await send(csvFile(1e6 * small, 17))
    await send(jsonlFile(1e6 * small))
    await send(parquetFile(Math.round((1e6 * small) / 320)))
    return { rows, isPinned }
  } finally {
    await service.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

function cellBytesOf(answer: unknown): number {
  const { shape, targets, splits } = answer as {
    shape: number[]
    targets: string[]
    splits: Record<string, { examples: number }>
  }
  const examples = Object.values(splits).reduce((sum, split) => sum + split.examples, 0)
  return 8 * examples * ((shape[0] ?? 0) + targets.length)
}

async function compareParsers(megabytes: number) {
  const entry = fileURLToPath(new URL(`./contestant${import.meta.url.slice(-3)}`, import.meta.url))
  const results: { label: string; digits: number; megabytesPerSecond: number }[] = []
  for (const digits of [6, 17]) {
    for (const [name, label] of Object.entries(CONTESTANTS)) {
      const { stdout } = await promisify(execFile)(process.execPath, [
        entry,
        name,
        String(megabytes),
        String(digits),
      ])
      results.push({ label, digits, megabytesPerSecond: Number(stdout) })
    }
  }
  return results
}

function writeUploads(uploads: readonly Upload[]): string {
  const header = ['upload', 'MB', 'MB/s', 'MB/s of cells', 'CPU, s', 'resident, MB']
  const rows = uploads.map(({ label, bytes, cellBytes, seconds, cpuSeconds, residentBytes }) => [
    label,
    (bytes / 1e6).toFixed(0),
    (bytes / 1e6 / seconds).toFixed(0),
    label.startsWith('IDX') ? '' : (cellBytes / 1e6 / seconds).toFixed(0),
    cpuSeconds.toFixed(1),
    (residentBytes / 1e6).toFixed(0),
  ])
  return markdownTable(header, rows)
}

function writeParsers(parsers: Awaited<ReturnType<typeof compareParsers>>): string {
  const speed = (label: string, digits: number) =>
    parsers.find(one => one.label === label && one.digits === digits)?.megabytesPerSecond.toFixed(0) ?? ''
  const rows = Object.values(CONTESTANTS).map(label => [label, speed(label, 6), speed(label, 17)])
  return markdownTable(['CSV of numbers', 'MB/s, 3 and 6 digits', 'MB/s, 16 to 18 digits'], rows)
}
