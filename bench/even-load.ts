import { once } from 'node:events'
import http from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { type Load, type LoadResult, percentiles } from './load.ts'

/**
 * Sends requests at even intervals, over as many connections as they need, whether those before are answered or not.
 * A time counts from when its request was due, so that a stall counts for all who would have come in it.
 */
export async function sendEvenly({ url, rate, seconds, requests }: EvenLoad): Promise<LoadResult> {
  const agent = new http.Agent({ keepAlive: true })
  const times: number[] = []
  const failures: Record<string, number> = {}
  const startedMs = performance.now()
  const send = async (index: number) => {
    const dueMs = startedMs + (index * 1_000) / rate
    await delay(Math.max(0, dueMs - performance.now()))
    const wrong = await ask(url, requests[index % requests.length], agent)
    times.push(performance.now() - dueMs)
    if (wrong !== null) failures[wrong] = (failures[wrong] ?? 0) + 1
  }
  await Promise.all(Array.from({ length: rate * seconds }, (_, index) => send(index)))
  agent.destroy()
  const failed = Object.values(failures).reduce((sum, count) => sum + count, 0)
  const answered = times.length - failed
  const tookSeconds = (performance.now() - startedMs) / 1_000
  return { requestsPerSecond: answered / tookSeconds, ...percentiles(times), failed, failures, answered }
}

/** Requests of one kind, or of several in turn, so many a second. */
export type EvenLoad = Required<Pick<Load, 'url' | 'rate' | 'seconds' | 'requests'>>

/** @returns what was wrong with the answer: its status, or what the connection said */
async function ask(
  url: string,
  request: Load['requests'][number] | undefined,
  agent: http.Agent,
): Promise<string | null> {
  if (!request) throw new Error('there must be a request')
  const { path, headers, body } = request
  const asked = http.request(`${url}${path}`, { agent, headers, method: body ? 'POST' : 'GET' })
  asked.end(body)
  try {
    const [answer] = (await once(asked, 'response')) as [http.IncomingMessage]
    answer.resume()
    await once(answer, 'end')
    return answer.statusCode !== undefined && answer.statusCode < 300 ? null : String(answer.statusCode)
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
