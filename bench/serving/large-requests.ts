import { sendEvenly } from '../even-load.ts'
import type { LoadResult } from '../load.ts'
import { sendApart } from '../send-apart.ts'
import type { BenchService } from './service.ts'

/** Single predictions by themselves, and beside large ones. */
export interface LargeRequests {
  rows: number
  alone: LoadResult
  beside: LoadResult
  large: LoadResult
}

const ROWS = 10_000

/** A client that sends one request of 10,000 rows after the other, while others ask for single predictions at an even rate. */
export async function measureLargeRequests(
  service: BenchService,
  { seconds, rate }: { seconds: number; rate: number },
): Promise<LargeRequests> {
  const { key, digits, url } = service
  const authorization = `Bearer ${key}`
  const path = '/v1/models/digits/predict?topK=1'
  const rows = Array.from({ length: ROWS }, (_, index) => digits.pixels[index % digits.pixels.length] ?? [])
  const body = Buffer.from(rows.flat())
  const single = {
    url,
    seconds,
    rate,
    requests: [
      {
        path,
        headers: { authorization, 'content-type': 'application/json' },
        body: Buffer.from(JSON.stringify({ instances: digits.pixels.slice(0, 1) })),
      },
    ],
  }
  const alone = await sendEvenly(single)
  const [beside, large] = await Promise.all([
    sendEvenly(single),
    sendApart({
      url,
      connections: 1,
      seconds,
      requests: [
        {
          path,
          headers: { authorization, 'content-type': 'application/octet-stream; dtype=uint8' },
          body,
        },
      ],
    }),
  ])
  return { rows: ROWS, alone, beside, large }
}
