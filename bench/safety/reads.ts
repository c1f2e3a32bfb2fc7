import { sendEvenly } from '../even-load.ts'
import type { LoadResult } from '../load.ts'
import type { BareService } from './service.ts'

const RATE = 100

/** Reads of a long history, kind by kind, at an even rate. @param ids - of some of its jobs */
export async function measureReads(
  { url, key }: BareService,
  ids: readonly string[],
  seconds: number,
): Promise<{ kind: string; result: LoadResult }[]> {
  const headers = { authorization: `Bearer ${key}` }
  const kinds: [kind: string, paths: string[]][] = [
    ['the newest 20 jobs', ['/v1/jobs']],
    ['a page of 100 in the middle', ids.map(id => `/v1/jobs?limit=100&after=${id}`)],
    ['the jobs of one status', ['/v1/jobs?status=succeeded', '/v1/jobs?status=failed']],
    ['the jobs of one customer', ids.map((_, index) => `/v1/jobs?metadata[customer]=customer-${index}`)],
    ['a job', ids.map(id => `/v1/jobs/${id}`)],
    ['its epochs', ids.map(id => `/v1/jobs/${id}/epochs`)],
    ['its events', ids.map(id => `/v1/jobs/${id}/events`)],
  ]
  const results = []
  for (const [kind, paths] of kinds) {
    const requests = paths.map(path => ({ path: encodeURI(path), headers }))
    const load = { url, rate: RATE, requests }
    await sendEvenly({ ...load, seconds: 1 })
    results.push({ kind, result: await sendEvenly({ ...load, seconds }) })
  }
  return results
}
