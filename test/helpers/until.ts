import { setTimeout as delay } from 'node:timers/promises'

/** Waits for a condition instead of sleeping. @throws Error when it does not come about within the time */
export async function until<T>(
  condition: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  options: { timeoutMs?: number; what?: string } = {},
): Promise<T> {
  const { timeoutMs = 30_000, what = 'the condition' } = options
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const value = await condition()
    if (value) return value
    if (performance.now() > deadline) throw new Error(`${what} did not come about within ${timeoutMs} ms`)
    await delay(25)
  }
}
