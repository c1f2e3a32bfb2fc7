import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { beforeAll, expect, it } from 'vitest'
import { releaseAfterFile } from '../helpers/release.ts'
import { startTestService, type TestService } from '../helpers/service.ts'

const release = releaseAfterFile()
let service: TestService
let dataset: string

beforeAll(async () => {
  service = await startTestService({ release })
  await service.startWorker()
  dataset = await service.uploadStripes()
})

/** Reads a stream to its end, or until `enough` messages came. */
async function readStream(
  path: string,
  headers: Record<string, string> = {},
  enough = Number.POSITIVE_INFINITY,
) {
  const response = await service.request(path, { headers: { accept: 'text/event-stream', ...headers } })
  const messages: EventSourceMessage[] = []
  const parser = createParser({ onEvent: message => void messages.push(message) })
  for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    parser.feed(piece)
    if (messages.length >= enough) break
  }
  return { status: response.status, messages }
}

it('a stream carries every event in order, from the submission to the end, and then ends', async () => {
  const id = await service.submit(dataset)
  const { messages } = await readStream(`/v1/jobs/${id}/events`)
  const stored = messages.filter(message => message.id !== undefined)
  expect(stored.map(message => Number(message.id))).toEqual(stored.map((_, index) => index + 1))
  expect(stored.at(0)?.event).toBe('job.queued')
  expect(stored.at(-1)?.event).toBe('job.succeeded')
  expect(stored.filter(message => message.event === 'job.epoch')).toHaveLength(3)
  expect(JSON.parse(stored.at(-1)?.data ?? '')).toMatchObject({
    type: 'job.succeeded',
    data: { modelVersion: 1 },
  })
})

it('a stream cut again and again and resumed by Last-Event-ID misses nothing', async () => {
  const id = await service.submit(dataset, { training: { epochs: 20, batchSize: 10, seed: 1 } })
  const seen: number[] = []
  for (let cut = 0; cut < 200; cut++) {
    const headers: Record<string, string> = seen.length > 0 ? { 'last-event-id': String(seen.at(-1)) } : {}
    const { status, messages } = await readStream(`/v1/jobs/${id}/events`, headers, 2)
    seen.push(...messages.flatMap(message => (message.id === undefined ? [] : [Number(message.id)])))
    if (status === 204) break
  }
  const { data } = await service.json(`/v1/jobs/${id}/events?limit=1000`)
  const stored: number[] = data.map((event: { id: number }) => event.id)
  expect([...new Set(seen)].sort((a, b) => a - b)).toEqual(stored)
})

it('without the Accept header the same address answers a list', async () => {
  const id = await service.submit(dataset)
  await service.untilJob(id, ({ status }) => status === 'succeeded')
  const page = await service.json(`/v1/jobs/${id}/events?limit=2`)
  expect(page).toMatchObject({ hasMore: true, nextCursor: '2' })
  const next = await service.json(`/v1/jobs/${id}/events?after=2`)
  expect(next.data[0].id).toBe(3)
})

it('a long poll answers when the job changes, and at once when it has ended', async () => {
  const id = await service.submit(dataset)
  const changed = await service.json(`/v1/jobs/${id}?waitSeconds=20`)
  expect(['running', 'succeeded']).toContain(changed.status)
  await service.untilJob(id, ({ status }) => status === 'succeeded')
  const askedMs = performance.now()
  await service.json(`/v1/jobs/${id}?waitSeconds=60`)
  expect(performance.now() - askedMs).toBeLessThan(2_000)
})
