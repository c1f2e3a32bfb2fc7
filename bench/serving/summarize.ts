import type { LoadResult } from '../load.ts'
import { markdownTable } from '../table.ts'
import type { LargeRequests } from './large-requests.ts'
import type { Rotation } from './rotation.ts'
import type { Soak } from './soak.ts'
import type { Swaps } from './swaps.ts'
import type { Comparison } from './throughput.ts'

/** Everything that was measured; what was not is missing. */
export interface Figures {
  comparisons?: Comparison[]
  large?: LargeRequests
  rotation?: Rotation
  swaps?: Swaps
  soak?: Soak
}

/** Ours beside the peers', a row a load. */
export function describeComparisons(comparisons: readonly Comparison[]): string {
  const side = ({ requestsPerSecond, p50Ms, p99Ms }: LoadResult) => [
    requestsPerSecond.toFixed(0),
    p50Ms.toFixed(2),
    p99Ms.toFixed(2),
  ]
  const labels = [...new Set(comparisons.flatMap(({ theirs }) => theirs.map(({ label }) => label)))]
  const header = ['requests', 'connections', 'ours /s', 'p50 ms', 'p99 ms', 'failed']
  for (const label of labels) header.push(`${label} /s`, 'p50 ms', 'p99 ms', 'ours is')
  const rows = comparisons.map(({ label, connections, ours, theirs }) => [
    label,
    String(connections),
    ...side(ours),
    String(ours.failed),
    ...theirs.flatMap(({ result }) => [
      ...side(result),
      `${(ours.requestsPerSecond / result.requestsPerSecond).toFixed(2)} ×`,
    ]),
  ])
  return markdownTable(header, rows)
}

/** The other figures, a row each. */
export function describeFigures({ large, rotation, swaps, soak }: Figures): string {
  const rows: [string, string][] = []
  const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`
  if (large) {
    rows.push([
      `single predictions alone; beside requests of ${large.rows} rows`,
      `p99 ${large.alone.p99Ms.toFixed(1)} ms; ${large.beside.p99Ms.toFixed(1)} ms (${large.large.answered} large ones, p50 ${large.large.p50Ms.toFixed(0)} ms)`,
    ])
  }
  if (rotation) {
    rows.push([
      `${rotation.models} models of ${rotation.megabytesEach.toFixed(2)} MB in turn`,
      `p50 ${rotation.p50Ms.toFixed(1)} ms, p99 ${rotation.p99Ms.toFixed(1)} ms, ${rotation.requestsPerSecond.toFixed(0)}/s, failed ${rotation.failed}${describeFailures(rotation)}; ` +
        `API ${megabytes(rotation.memoryBeforeBytes)} → ${megabytes(rotation.memoryAfterBytes)}`,
    ])
  }
  if (swaps) {
    rows.push([
      `${swaps.aliasMoves} alias moves, ${swaps.brokenVersions} broken versions, ${swaps.restarts} restarts`,
      `${swaps.failed} failed of ${swaps.answered + swaps.failed}${describeFailures(swaps)}, p99 ${swaps.p99Ms.toFixed(1)} ms`,
    ])
  }
  if (soak) {
    const [first = 0, last = 0] = [soak.memoryBytes.at(3), soak.memoryBytes.at(-1)]
    rows.push([
      `${soak.minutes} minutes at ${soak.rate}/s`,
      `failed ${soak.failed} of ${soak.answered + soak.failed}, p99 ${soak.p99Ms.toFixed(1)} ms; API ${megabytes(first)} after 40 s, ` +
        `${megabytes(last)} at the end, at most ${megabytes(Math.max(...soak.memoryBytes, 0))}`,
    ])
  }
  return markdownTable(['what', 'figures'], rows)
}

function describeFailures({ failures }: LoadResult): string {
  const kinds = Object.entries(failures).map(([what, count]) => `${what}: ${count}`)
  return kinds.length === 0 ? '' : ` (${kinds.join(', ')})`
}
