import { sendEvenly } from '../even-load.ts'
import type { LoadResult } from '../load.ts'
import { type BareService, smallJob } from './service.ts'

const RATE = 100

/** Jobs that are submitted at an even rate. Nobody trains them: the line grows. */
export async function measureSubmissions(service: BareService, seconds: number): Promise<LoadResult> {
  const { url, key, datasetId } = service
  const request = {
    path: '/v1/jobs',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(smallJob(datasetId))),
  }
  const load = { url, rate: RATE, requests: [request] }
  await sendEvenly({ ...load, seconds: 2 }) // the process has just started
  return sendEvenly({ ...load, seconds })
}
