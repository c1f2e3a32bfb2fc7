import autocannon from 'autocannon'

/** What a load of requests met with. */
export interface LoadResult {
  requestsPerSecond: number
  p50Ms: number
  p99Ms: number
  /** Answers other than 2xx, and connections that broke. */
  failed: number
  /** How many of each: by status, or what the connection said. */
  failures: Record<string, number>
  /** Answers that were good. */
  answered: number
}

/** Requests of one kind, or of several in turn. */
export interface Load {
  url: string
  connections: number
  /** How long; or `amount`, how many. */
  seconds?: number
  amount?: number
  /**
   * Requests a second of all connections together, those of a second as fast as they are answered and then none until
   * the next; as many as are answered, without.
   */
  rate?: number
  /** POST, but for those without a body. */
  requests: { path: string; headers: Record<string, string>; body?: Buffer }[]
}

/**
 * Sends requests over connections that are kept, each when the one before it is answered. Times are taken of every
 * answer to the microsecond: autocannon's own histogram knows whole milliseconds only.
 */
export async function sendLoad(load: Load): Promise<LoadResult> {
  const times: number[] = []
  const failures: Record<string, number> = {}
  const note = (what: string) => {
    failures[what] = (failures[what] ?? 0) + 1
  }
  const { url, connections, seconds, amount, rate, requests } = load
  const result = await new Promise<autocannon.Result>((resolve, reject) => {
    const instance = autocannon(
      {
        url,
        connections,
        ...(amount === undefined ? { duration: seconds ?? 5 } : { amount }),
        ...(rate !== undefined && { overallRate: rate }),
        timeout: 30,
        requests: requests.map(({ path, headers, body }) => ({
          method: body ? 'POST' : 'GET',
          path,
          headers,
          ...(body && { body }),
        })),
      },
      (error, finished) => (error ? reject(error) : resolve(finished)),
    )
    instance.on('response', (_client, status, _bytes, ms) => {
      times.push(ms)
      if (status >= 300) note(String(status))
    })
    instance.on('reqError', error => note(error.message))
  })
  return {
    requestsPerSecond: result['2xx'] / result.duration,
    ...percentiles(times),
    failed: result.non2xx + result.errors + result.timeouts,
    failures,
    answered: result['2xx'],
  }
}

/** Of the times of answers, in milliseconds. */
export function percentiles(times: readonly number[]): Pick<LoadResult, 'p50Ms' | 'p99Ms'> {
  const sorted = Float64Array.from(times).sort()
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
  return { p50Ms: at(0.5), p99Ms: at(0.99) }
}
