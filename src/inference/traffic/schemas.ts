import { Type } from 'typebox'
import { AllocationSchema } from '../../models/aliases/state.ts'
import { quantileOf } from './histogram.ts'
import type { TrafficCounts, TrafficKey } from './repository.ts'

const Milliseconds = Type.Union([Type.Number(), Type.Null()])
const Count = Type.Integer({ minimum: 0 })

/** What one version did for an alias. */
const VersionTrafficSchema = Type.Object({
  version: Type.Integer(),
  role: Type.Enum(['answer', 'shadow'] as const),
  requests: Count,
  predictions: Count,
  share: Type.Union([Type.Number(), Type.Null()], {
    description: 'Of the requests that were answered; null of a shadow.',
  }),
  failures: Type.Integer({ description: 'Requests that failed on our side.' }),
  latencyMs: Type.Object(
    { mean: Milliseconds, p50: Milliseconds, p95: Milliseconds, p99: Milliseconds },
    {
      description:
        'Of an answer from the moment its request was read; of a shadow the computing alone. Percentiles are rounded up by up to 19 %.',
    },
  ),
  comparison: Type.Union(
    [
      Type.Object({
        compared: Count,
        agreed: Count,
        agreement: Type.Union([Type.Number(), Type.Null()]),
        dropped: Type.Integer({ description: 'Requests that it had no time for.' }),
      }),
      Type.Null(),
    ],
    {
      description:
        'Of a shadow: predictions with the same class as the answer. Null of a version that answers.',
    },
  ),
})

/** What an alias did since a move. */
export const TrafficSchema = Type.Object(
  {
    alias: Type.String(),
    move: Type.Integer({ description: 'Counts begin with this move of the alias.' }),
    ...AllocationSchema.properties,
    versions: Type.Array(VersionTrafficSchema),
  },
  { title: 'Traffic of an alias' },
)

/** What one version did for an alias. */
export type VersionTraffic = Type.Static<typeof VersionTrafficSchema>

/** Counts as they are told. @param answered - requests that all versions answered together */
export function presentTraffic(row: TrafficKey & TrafficCounts, answered: number): VersionTraffic {
  const { version, role, requests, predictions, failures, latencies, latencySeconds } = row
  const timed = latencies.reduce((sum, count) => sum + count, 0)
  return {
    version,
    role,
    requests,
    predictions,
    share: role === 'shadow' || answered === 0 ? null : requests / answered,
    failures,
    latencyMs: {
      mean: timed === 0 ? null : (latencySeconds * 1_000) / timed,
      p50: quantileOf(latencies, 0.5),
      p95: quantileOf(latencies, 0.95),
      p99: quantileOf(latencies, 0.99),
    },
    comparison: role === 'answer' ? null : presentComparison(row),
  }
}

function presentComparison({ compared, agreed, dropped }: TrafficCounts) {
  return { compared, agreed, agreement: compared === 0 ? null : agreed / compared, dropped }
}
