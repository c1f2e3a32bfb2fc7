import { type LoadResult, sendLoad } from '../load.ts'
import { median } from '../table.ts'
import type { Peer } from './peer.ts'
import type { BenchService } from './service.ts'

/** A kind of request, as each side takes it. */
interface Scenario {
  id: string
  label: string
  ours: { path: string; headers: Record<string, string>; body: Buffer }
  /** Null where the peer has no such way. */
  theirs: { path: string; headers: Record<string, string>; body: Buffer } | null
}

/** Both sides under one load: medians over the rounds. */
export interface Comparison {
  scenario: string
  label: string
  connections: number
  ours: LoadResult
  /** By peer, in their order; empty where none has such a way. */
  theirs: { label: string; result: LoadResult }[]
}

const CONNECTIONS = [1, 32]

/** The same requests to all, in turn in each round, so that a busy second falls on all. */
export async function compareThroughput(
  service: BenchService,
  peers: readonly Peer[],
  { rounds, seconds }: { rounds: number; seconds: number },
): Promise<Comparison[]> {
  const comparisons: Comparison[] = []
  for (const scenario of listScenarios(service)) {
    for (const connections of CONNECTIONS) {
      const ours: LoadResult[] = []
      const theirs = peers.map(peer => ({ peer, results: [] as LoadResult[] }))
      const load = { connections, seconds }
      for (let round = 0; round < rounds; round++) {
        ours.push(await sendLoad({ ...load, url: service.url, requests: [scenario.ours] }))
        if (!scenario.theirs) continue
        for (const { peer, results } of theirs) {
          results.push(await sendLoad({ ...load, url: peer.url, requests: [scenario.theirs] }))
        }
      }
      comparisons.push({
        scenario: scenario.id,
        label: scenario.label,
        connections,
        ours: middle(ours),
        theirs: theirs.flatMap(({ peer, results }) =>
          results.length > 0 ? [{ label: peer.label, result: middle(results) }] : [],
        ),
      })
    }
  }
  return comparisons
}

function middle(results: readonly LoadResult[]): LoadResult {
  const of = (name: 'requestsPerSecond' | 'p50Ms' | 'p99Ms') => median(results.map(result => result[name]))
  return {
    requestsPerSecond: of('requestsPerSecond'),
    p50Ms: of('p50Ms'),
    p99Ms: of('p99Ms'),
    failures: Object.assign({}, ...results.map(({ failures }) => failures)),
    failed: results.reduce((sum, { failed }) => sum + failed, 0),
    answered: results.reduce((sum, { answered }) => sum + answered, 0),
  }
}

function listScenarios({ key, digits }: BenchService): Scenario[] {
  const { files, pixels } = digits
  const authorization = `Bearer ${key}`
  const json = { 'content-type': 'application/json' }
  const [file = Buffer.alloc(0)] = files
  const instances = (rows: number) => Buffer.from(JSON.stringify({ instances: pixels.slice(0, rows) }))
  const predict = '/v1/models/digits/predict'
  const many = 64
  const bytes = Buffer.from(pixels.slice(0, many).flat())
  const header = Buffer.from(
    JSON.stringify({
      inputs: [
        {
          name: 'input',
          datatype: 'UINT8',
          shape: [many, 784],
          parameters: { binary_data_size: bytes.length },
        },
      ],
      parameters: { binary_data_output: true },
    }),
  )
  return [
    {
      id: 'png',
      label: 'PNG 28 × 28',
      ours: { path: predict, headers: { authorization, 'content-type': 'image/png' }, body: file },
      theirs: { path: '/png', headers: { 'content-type': 'image/png' }, body: file },
    },
    {
      id: 'json',
      label: 'JSON, 784 numbers',
      ours: { path: predict, headers: { authorization, ...json }, body: instances(1) },
      theirs: { path: '/json', headers: json, body: instances(1) },
    },
    {
      id: 'json-64',
      label: 'JSON, 64 rows',
      ours: { path: predict, headers: { authorization, ...json }, body: instances(many) },
      theirs: { path: '/json', headers: json, body: instances(many) },
    },
    {
      id: 'binary-64',
      label: 'Open Inference Protocol, binary, 64 rows (the peer: JSON)',
      ours: {
        path: '/v2/models/digits/infer',
        headers: {
          authorization,
          'content-type': 'application/octet-stream',
          'inference-header-content-length': String(header.length),
        },
        body: Buffer.concat([header, bytes]),
      },
      theirs: { path: '/json', headers: json, body: instances(many) },
    },
  ]
}
