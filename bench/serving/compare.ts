import { parseArgs } from 'node:util'
import { describeMachine } from '../machine.ts'
import { writeResults } from '../results.ts'
import { measureLargeRequests } from './large-requests.ts'
import { PEERS, startPeer } from './peer.ts'
import { measureRotation } from './rotation.ts'
import { startBenchService } from './service.ts'
import { measureSoak } from './soak.ts'
import { describeComparisons, describeFigures, type Figures } from './summarize.ts'
import { measureSwaps } from './swaps.ts'
import { compareThroughput } from './throughput.ts'

const PARTS = ['throughput', 'large', 'rotation', 'swaps', 'soak'] as const

const USAGE =
  `npm run bench -- serving [--only ${PARTS.join(',')}] [--rounds 3] [--seconds 6] [--models 1000] ` +
  '[--requests 200000] [--minutes 10]'

/**
 * Predictions through the whole service, with keys, log and counters on, beside FastAPI with PyTorch; and what a service must
 * bear besides. A whole run writes bench/results.
 */
export async function benchServing(args: string[]): Promise<void> {
  const options = readOptions(args)
  const machine = describeMachine()
  const service = await startBenchService()
  const figures: Figures = {}
  try {
    await service.train('digits', { epochs: 3, seed: 1 })
    if (options.parts.includes('throughput')) {
      const peers = []
      for (const kind of PEERS) peers.push(await startPeer(kind))
      const there = peers.filter(peer => peer !== null)
      if (there.length === 0) console.log('FastAPI is not set up (node bench/setup-peers.mjs): ours alone')
      figures.comparisons = await compareThroughput(service, there, options)
      for (const peer of there) await peer.stop()
      console.log(`\n${describeComparisons(figures.comparisons)}\n`)
    }
    if (options.parts.includes('large'))
      figures.large = await measureLargeRequests(service, { seconds: 15, rate: 200 })
    if (options.parts.includes('rotation')) {
      figures.rotation = await measureRotation(service, { models: options.models, seconds: 20 })
    }
    if (options.parts.includes('swaps')) figures.swaps = await measureSwaps(service, options)
    if (options.parts.includes('soak')) {
      const mixed = figures.comparisons?.find(
        ({ scenario, connections }) => scenario === 'png' && connections === 32,
      )
      const rate = Math.floor(0.7 * (mixed?.ours.requestsPerSecond ?? 1_000))
      figures.soak = await measureSoak(service, { minutes: options.minutes, rate })
    }
    console.log(describeFigures(figures))
  } finally {
    await service.stop()
  }
  if (!options.isWhole) return
  const tables = [
    ...(figures.comparisons ? [describeComparisons(figures.comparisons)] : []),
    describeFigures(figures),
  ]
  writeResults('serving', machine, figures, tables, [
    `Load generator, service and peer share the cores; medians of ${options.rounds} rounds of ${options.seconds} s, each side in turn.`,
    'Ours is the whole service: keys, log and counters on. The peer is FastAPI with PyTorch and Pillow, one process, no key, no log; on uvicorn as it',
    'comes by itself, and with uvloop and httptools.',
  ])
}

interface Options {
  parts: readonly string[]
  rounds: number
  seconds: number
  models: number
  requests: number
  minutes: number
  /** Everything, as long as it should be: worth keeping. */
  isWhole: boolean
}

/** @throws Error when an option is unknown or makes no sense */
function readOptions(args: string[]): Options {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    args,
    options: { only: text, rounds: text, seconds: text, models: text, requests: text, minutes: text },
  })
  const number = (name: Exclude<keyof typeof values, 'only'>, fallback: number) => {
    const value = Number(values[name] ?? fallback)
    if (!(value > 0)) throw new Error(USAGE)
    return value
  }
  const parts = values.only?.split(',') ?? PARTS
  if (parts.some(part => !PARTS.some(known => known === part))) throw new Error(USAGE)
  return {
    parts,
    rounds: number('rounds', 3),
    seconds: number('seconds', 6),
    models: number('models', 1_000),
    requests: number('requests', 200_000),
    minutes: number('minutes', 10),
    isWhole: Object.values(values).every(value => value === undefined),
  }
}
