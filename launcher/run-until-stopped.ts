import type { Service } from './service.ts'

/**
 * Runs a service until a signal or a failure ends it. The first SIGINT, SIGTERM or SIGHUP ends everything in good
 * order, the second at once. Exit codes: 0 after a signal, 1 after a failure.
 * @param start - starts the service; it may do more before it returns, and return null to end at once
 */
export async function runUntilStopped(
  start: (onStarting: (stop: () => Promise<void>) => void) => Promise<Service | null>,
): Promise<void> {
  let stopService = async () => {}
  let isStopping = false
  const stop = async (exitCode: number) => {
    isStopping = true
    await stopService()
    process.exit(exitCode)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (!isStopping) process.stdout.write('\nEnding…\n')
      void stop(0)
    })
  }
  try {
    const kept = await start(stopStarted => {
      stopService = stopStarted
    })
    if (!kept) return await stop(0)
    const reason = await kept.failed
    process.stderr.write(`${reason.message}\n`)
  } catch (error) {
    if (isStopping) return
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  }
  await stop(1)
}
