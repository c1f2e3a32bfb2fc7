import { type LoadResult, sendLoad } from '../load.ts'
import { apiMemory } from './memory.ts'
import type { BenchService } from './service.ts'

/** A long load, and the memory of the API in its course. */
export interface Soak extends LoadResult {
  minutes: number
  rate: number
  /** Every ten seconds. */
  memoryBytes: number[]
}

const SAMPLE_MS = 10_000
const CONNECTIONS = 32

/** JSON and PNG predictions in turn, at a part of what the service can do. */
export async function measureSoak(
  service: BenchService,
  { minutes, rate }: { minutes: number; rate: number },
): Promise<Soak> {
  const { key, digits, url, dataDir } = service
  const authorization = `Bearer ${key}`
  const path = '/v1/models/digits/predict'
  const requests = digits.files.flatMap((file, index) => [
    { path, headers: { authorization, 'content-type': 'image/png' }, body: file },
    {
      path,
      headers: { authorization, 'content-type': 'application/json' },
      body: Buffer.from(JSON.stringify({ instances: [digits.pixels[index]] })),
    },
  ])
  const memoryBytes: number[] = []
  const timer = setInterval(() => memoryBytes.push(apiMemory(dataDir)), SAMPLE_MS)
  const result = await sendLoad({ url, connections: CONNECTIONS, seconds: minutes * 60, rate, requests })
  clearInterval(timer)
  return { ...result, minutes, rate, memoryBytes }
}
