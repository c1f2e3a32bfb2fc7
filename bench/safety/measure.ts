import { parseArgs } from 'node:util'
import { describeMachine } from '../machine.ts'
import { writeResults } from '../results.ts'
import { markdownTable } from '../table.ts'
import { measureCheckpoints } from './checkpoints.ts'
import { measureClaims } from './claims.ts'
import { measureReads } from './reads.ts'
import { seedHistory } from './seed.ts'
import { smallJob, startBareService } from './service.ts'
import { measureSubmissions } from './submissions.ts'

const USAGE = 'npm run bench -- safety [--jobs 100000] [--epochs 10] [--waiting 10000] [--seconds 10]'

/** What it costs never to lose a job: checkpoints, submissions, claims, and reads of a history that is years long. */
export async function benchSafety(args: string[]): Promise<void> {
  const { jobs, epochs, waiting, seconds, isWhole } = readOptions(args)
  const machine = describeMachine()
  const rows: [string, string][] = []
  const add = (what: string, figure: string) => {
    rows.push([what, figure])
    console.log(`${what.padEnd(60)} ${figure}`)
  }
  const checkpoints = []
  for (const engine of ['tensorflow', 'portable'] as const) {
    const cost = await measureCheckpoints(engine)
    if (!cost) continue
    checkpoints.push(cost)
    const share = `${(100 * cost.share).toFixed(1)} % of the training`
    add(
      `a checkpoint, ${engine}`,
      `median ${cost.medianMs.toFixed(1)} ms, most ${cost.mostMs.toFixed(1)} ms; ${share}`,
    )
  }
  const service = await startBareService()
  try {
    const submissions = await measureSubmissions(service, seconds)
    add(
      'a submission at 100 a second',
      `p50 ${submissions.p50Ms.toFixed(1)} ms, p99 ${submissions.p99Ms.toFixed(1)} ms, failed ${submissions.failed}`,
    )
    const { id } = await service.client.post<{ id: string }>('/v1/jobs', smallJob(service.datasetId))
    const ids = await seedHistory(service.databaseUrl, id, { jobs, epochsPerJob: epochs })
    const reads = await measureReads(service, ids, seconds)
    for (const { kind, result } of reads) {
      add(
        `${kind}, of ${jobs} and ${jobs * epochs} epochs`,
        `p50 ${result.p50Ms.toFixed(1)} ms, p99 ${result.p99Ms.toFixed(1)} ms, failed ${result.failed}`,
      )
    }
    await fillLine(service, waiting)
    const claims = await measureClaims(service.databaseUrl, waiting, seconds)
    add(`claims with ${waiting} jobs waiting`, `${claims.perSecond.toFixed(0)} a second and worker process`)
    if (!isWhole) return
    const table = markdownTable(['what', 'figures'], rows)
    writeResults(
      'safety',
      machine,
      { checkpoints, submissions, reads, claims },
      [table],
      [
        'The canonical job for checkpoints, each from the export of its variables to the synced file, one at the end of an epoch when the last is a second old.',
        'Submissions, reads (100 a second) and claims: a real API process and Postgres on the same cores as the load.',
      ],
    )
  } finally {
    await service.stop()
  }
}

/** Submits until so many wait. */
async function fillLine(
  { client, datasetId }: Awaited<ReturnType<typeof startBareService>>,
  wanted: number,
): Promise<void> {
  const { waiting } = await client.get<{ waiting: number }>('/v1/queue')
  const submit = () => client.post('/v1/jobs', smallJob(datasetId))
  for (let missing = wanted - waiting; missing > 0; missing -= 16) {
    await Promise.all(Array.from({ length: Math.min(16, missing) }, submit))
  }
}

/** @throws Error when an option is unknown or makes no sense */
function readOptions(args: string[]) {
  const text = { type: 'string' } as const
  const { values } = parseArgs({ args, options: { jobs: text, epochs: text, waiting: text, seconds: text } })
  const number = (name: keyof typeof values, fallback: number) => {
    const value = Number(values[name] ?? fallback)
    if (!(value > 0)) throw new Error(USAGE)
    return value
  }
  return {
    jobs: number('jobs', 100_000),
    epochs: number('epochs', 10),
    waiting: number('waiting', 10_000),
    seconds: number('seconds', 10),
    isWhole: Object.values(values).every(value => value === undefined),
  }
}
