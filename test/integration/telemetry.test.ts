import { beforeAll, expect, it } from 'vitest'
import { releaseAfterFile } from '../helpers/release.ts'
import { startTestService, type TestService } from '../helpers/service.ts'
import { openSeverableRoute, type SeverableRoute } from '../helpers/severable.ts'

const release = releaseAfterFile()
let service: TestService

beforeAll(async () => {
  service = await startTestService({ release })
})

/** Figures by name and labels, as they stand in the text. */
async function readFigures(url = service.url): Promise<Map<string, number>> {
  const response = await fetch(`${url}/metrics`, { headers: { authorization: authorization() } })
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
  const lines = (await response.text()).split('\n').filter(line => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map(line => {
      const space = line.lastIndexOf(' ')
      return [line.slice(0, space), Number(line.slice(space + 1))]
    }),
  )
}

const authorization = () => `Bearer ${service.environment.TRAINYARD_API_KEY}`

it('requests are counted by the pattern of their route, never by their address', async () => {
  await service.request('/v1/jobs/job_01')
  await service.request('/v1/jobs/job_02')
  await service.request('/nothing/here')
  const figures = await readFigures()
  const counted = (method: string, route: string, status: number) =>
    figures.get(
      `trainyard_http_request_duration_seconds_count{method="${method}",route="${route}",status="${status}"}`,
    )
  expect(counted('GET', '/v1/jobs/:id', 404)).toBe(2)
  expect(counted('GET', 'none', 404)).toBe(1)
  expect([...figures.keys()].filter(name => name.includes('job_0'))).toEqual([])
})

it('the waiting line is told: how many wait, and for how long', async () => {
  expect((await readFigures()).get('trainyard_queue_waiting_jobs')).toBe(0)
  await service.submit(await service.uploadStripes())
  const figures = await readFigures()
  expect(figures.get('trainyard_queue_waiting_jobs')).toBe(1)
  expect(figures.get('trainyard_queue_oldest_wait_seconds')).toBeGreaterThan(0)
  expect(figures.get('trainyard_worker_slots')).toBe(0)
  expect(figures.get('trainyard_database_up')).toBe(1)
})

it('while the database is away what it knows is left out, and the rest is told', async () => {
  const route: SeverableRoute = await openSeverableRoute(service.databaseUrl)
  release(() => route.close())
  const other = await service.startOtherApi({ DATABASE_URL: route.url })
  expect((await readFigures(other.url)).get('trainyard_queue_waiting_jobs')).toBe(1)
  route.cut()
  const figures = await readFigures(other.url)
  expect(figures.get('trainyard_database_up')).toBe(0)
  expect(figures.has('trainyard_queue_waiting_jobs')).toBe(false)
  expect(figures.get('process_resident_memory_bytes')).toBeGreaterThan(0)
})

it('nothing is told without a key', async () => {
  expect((await fetch(`${service.url}/metrics`)).status).toBe(401)
})
