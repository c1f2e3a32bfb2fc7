import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { describeMachine } from '../../machine.ts'
import { writeResults } from '../../results.ts'
import { markdownTable, median } from '../../table.ts'
import { CASES, type Case, fileOf } from './cases.ts'

interface Run {
  seconds: number
  /** The most memory of the process. */
  megabytes: number
}

interface Measured {
  label: string
  count: number
  /** Of the file, or of its features unpacked. */
  megabytes: number
  ours: Run
  /** Null where Python is not set up. */
  peer: Run | null
}

/**
 * How fast archives are taken in: ZIP files of images and NPZ files, from a file on the disk to stored, synced examples,
 * beside Python with Pillow and NumPy. `--share 0.1` takes a tenth of each, `--rounds 3` how often each runs.
 */
export async function benchArchives(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { share: { type: 'string', default: '1' }, rounds: { type: 'string', default: '3' } },
  })
  const [share, rounds] = [Number(values.share), Number(values.rounds)]
  const machine = describeMachine()
  const folder = await mkdtemp(path.join(os.tmpdir(), 'trainyard-bench-'))
  const results: Measured[] = []
  try {
    for (const one of CASES) {
      const measured = await measureCase(folder, one, Math.ceil(one.count * share), rounds)
      results.push(measured)
      console.log(`${one.label.padEnd(32)} ${measured.ours.seconds.toFixed(2)} s`)
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  const table = writeTable(results)
  console.log(`\n${table}`)
  if (share !== 1) return
  writeResults(
    'archives',
    machine,
    { cases: results },
    [table],
    [
      'From a file on the disk to stored, synced examples: unpacked, checked, decoded, summed up and hashed, one process.',
      'Python does less: zipfile with Pillow, or NumPy, to the same bytes in a synced file with their SHA-256. Times are',
      `medians of ${rounds} runs one after the other; memory is the most that the process had at once, code and all.`,
    ],
  )
}

async function measureCase(folder: string, one: Case, count: number, rounds: number): Promise<Measured> {
  const file = fileOf(folder, one)
  await one.write(file, count)
  const { size } = await stat(file)
  const [ours, peer]: [Run[], Run[]] = [[], []]
  for (let round = 0; round < rounds; round++) {
    ours.push(await runChild(file, one.name === 'jpeg' ? '64x64' : ''))
    const run = await runPeer(file, { png: '28x28', jpeg: '64x64' }[one.name] ?? '')
    if (run) peer.push(run)
  }
  await rm(file)
  const { label, exampleBytes } = one
  const megabytes = (exampleBytes === null ? size : count * exampleBytes) / 1e6
  return {
    label,
    count,
    megabytes,
    ours: middle(ours),
    peer: peer.length > 0 ? middle(peer) : null,
  }
}

function middle(runs: readonly Run[]): Run {
  return { seconds: median(runs.map(run => run.seconds)), megabytes: median(runs.map(run => run.megabytes)) }
}

async function runChild(file: string, imageSize: string): Promise<Run> {
  const entry = fileURLToPath(new URL(`./child${import.meta.url.slice(-3)}`, import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [entry, file, imageSize])
  return JSON.parse(stdout)
}

async function runPeer(file: string, imageSize: string): Promise<Run | null> {
  const folder = process.env.TRAINYARD_PEERS_DIR || path.join(os.homedir(), '.cache', 'trainyard', 'peers')
  const python = path.join(folder, 'bin', 'python')
  if (!existsSync(python)) return null
  const { stdout } = await promisify(execFile)(python, ['bench/data/archives/peer.py', file, imageSize])
  return JSON.parse(stdout)
}

function writeTable(results: readonly Measured[]): string {
  const header = ['file', 'examples', 'MB', 's', 'MB/s', 'memory, MB', 'Python, s', 'MB/s', 'memory, MB']
  const figures = (run: Run | null, megabytes: number) =>
    run
      ? [run.seconds.toFixed(2), (megabytes / run.seconds).toFixed(0), run.megabytes.toFixed(0)]
      : ['', '', '']
  const rows = results.map(({ label, count, megabytes, ours, peer }) => [
    label,
    count.toLocaleString('en'),
    megabytes.toFixed(0),
    ...figures(ours, megabytes),
    ...figures(peer, megabytes),
  ])
  return markdownTable(header, rows)
}
