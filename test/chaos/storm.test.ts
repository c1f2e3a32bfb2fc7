import { describe, expect, it, onTestFailed, onTestFinished } from 'vitest'
import { createRandom } from '../../src/mlp/random.ts'
import { isAlive, processesWith } from '../helpers/processes.ts'
import { hasRedis, startRedisServer } from '../helpers/redis.ts'
import { type Json, startTestService, type TestService } from '../helpers/service.ts'
import { until } from '../helpers/until.ts'
import { expectNothingLost } from './invariants.ts'
import { readChaosOptions } from './options.ts'
import { startPostgresServer } from './postgres.ts'
import { startTimeline } from './timeline.ts'
import { noteTrainers, strike, type Victims } from './victims.ts'

const { seed, jobs, kills } = readChaosOptions(process.env)
const BACKENDS = hasRedis() ? (['postgres', 'redis'] as const) : (['postgres'] as const)
const WORKERS = 2

/** Jobs of a second or two each: long enough to be struck. */
const TRAINING = { epochs: 120, batchSize: 10, validation: { fraction: 0.2 } }
const EXAMPLES = 900

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

/** A round takes about this long for each blow and each job, on two cores. */
const ROUND_MS_MAX = 120_000 + kills * 15_000 + jobs * 8_000

describe.each(BACKENDS)('P1–P6, P8, P10, P11, P16: with the queue on %s', backend => {
  it(`${jobs} jobs through ${kills} blows: each accepted one ends once, with every epoch once (seed ${seed})`, {
    timeout: ROUND_MS_MAX,
  }, async () => {
    const timeline = startTimeline()
    const postgres = await startPostgresServer(onTestFinished)
    const redis = backend === 'redis' ? await startRedisServer(onTestFinished) : null
    const service = await startTestService({
      databaseUrl: postgres.url,
      environment: redis ? { REDIS_URL: redis.url } : {},
    })
    const datasetId = await service.uploadStripes(EXAMPLES)
    const workers = await Promise.all(Array.from({ length: WORKERS }, () => service.startWorker()))
    const random = createRandom(seed, `blows on ${backend}`)
    const victims: Victims = { service, workers, postgres, redis, timeline, random, trainersSeen: new Set() }
    const watch = setInterval(() => noteTrainers(victims), 200)
    onTestFinished(() => clearInterval(watch))
    onTestFailed(() => void process.stderr.write(`seed ${seed}, ${backend}\n${timeline.text()}\n`))

    const submitting = submitAll(service, datasetId)
    for (let blow = 0; blow < kills; blow++) {
      await pause(200 + random.integer(1_500))
      await strike(victims)
    }
    const accepted = await submitting
    timeline.note(`${accepted.length} jobs accepted, ${kills} blows struck`)
    await untilEnded(service, accepted)
    for (const { end } of victims.workers) expect((await end('SIGTERM')).code).toBe(0)
    clearInterval(watch)
    await until(() => ![...victims.trainersSeen].some(isAlive), { what: 'the end of all trainers' })
    const report = await expectNothingLost(postgres.url, service.dataDir, accepted)
    await service.api.end('SIGTERM')
    expect(processesWith('TRAINYARD_DATA_DIR', service.dataDir), 'stray processes').toEqual([])
    process.stdout.write(`${backend}: ${JSON.stringify(report)}\n`)
  })
})

/** Submits as a careful client does: again under the same Idempotency-Key until there is an answer. */
async function submitAll(service: TestService, datasetId: string): Promise<string[]> {
  const accepted: string[] = []
  for (let index = 0; index < jobs; index++) {
    const request = {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': `chaos-${index}` },
      body: JSON.stringify({
        name: `chaos-${index % 4}`,
        datasetId,
        network: {
          layers: [
            { type: 'dense', units: 8, activation: 'relu' },
            { type: 'dense', units: 3, activation: 'softmax' },
          ],
        },
        training: { ...TRAINING, seed: index },
      }),
    }
    const id = await until(
      async () => {
        const answer = await service.request('/v1/jobs', request).catch(() => null) // nobody is there
        if (answer?.status === 202) return ((await answer.json()) as Json).id as string
        await answer?.body?.cancel()
        return null
      },
      { timeoutMs: 60_000, what: `an answer to job ${index}` },
    )
    accepted.push(id)
    await pause(300)
  }
  return accepted
}

async function untilEnded(service: TestService, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    await until(
      async () => {
        const answer = await service.request(`/v1/jobs/${id}`).catch(() => null)
        return answer?.status === 200 && ((await answer.json()) as Json).finishedAt !== null
      },
      { timeoutMs: 180_000, what: `the end of ${id}` },
    )
  }
}
