import type { Listener } from '../db/listen.ts'

/** Tells those who wait that a job changed. */
export interface JobChanges {
  /**
   * Resolves when the job changed since the call of `watch`, after `timeoutMs`, or when `signal` aborts: in every
   * case the waiter looks at the row.
   */
  next(timeoutMs: number, signal: AbortSignal): Promise<void>
  /** Ends the watching. */
  close(): void
}

/**
 * Watches one job. Changes between two calls of `next` are not missed: the second returns at once.
 */
export function watchJob(listener: Listener, jobId: string): JobChanges {
  let changed = false
  let wake = () => {}
  const stop = listener.on('trainyard_job', payload => {
    if (payload !== null && payload !== jobId) return
    changed = true
    wake()
  })
  return {
    close: stop,
    next(timeoutMs, signal) {
      return new Promise(resolve => {
        const finish = () => {
          clearTimeout(timer)
          signal.removeEventListener('abort', finish)
          wake = () => {}
          changed = false
          resolve()
        }
        const timer = setTimeout(finish, timeoutMs)
        signal.addEventListener('abort', finish)
        wake = finish
        if (changed || signal.aborted) finish()
      })
    },
  }
}
