import { type LoadResult, sendLoad } from '../load.ts'
import { type BareService, smallJob } from './service.ts'

const CONNECTIONS = 8
const RATE = 100

/** Jobs that are submitted at an even rate. Nobody trains them: the line grows. */
export async function measureSubmissions(service: BareService, seconds: number): Promise<LoadResult> {
  const { url, key, datasetId } = service
  const request = {
    path: '/v1/jobs',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(smallJob(datasetId))),
  }
  return sendLoad({ url, connections: CONNECTIONS, rate: RATE, seconds, requests: [request] })
}
