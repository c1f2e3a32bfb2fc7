import { setImmediate as nextTurn } from 'node:timers/promises'

/** Work that nobody waits for. */
export interface ShadowQueue {
  /** Takes work for later. @returns false when there is no room: it is not done, and nothing waits */
  offer(work: () => Promise<void>): boolean
  /** Does what was taken, and takes nothing more. */
  close(): Promise<void>
}

/**
 * Does one piece of work at a time, each in a turn of its own, so that requests come in between.
 * @param waitingMax - pieces that may wait
 * @param onError - told what a piece of work threw
 */
export function createShadowQueue(waitingMax: number, onError: (error: unknown) => void): ShadowQueue {
  const waiting: (() => Promise<void>)[] = []
  let working: Promise<void> | null = null
  let isClosed = false

  const workAll = async () => {
    for (let work = waiting.shift(); work; work = waiting.shift()) {
      await nextTurn()
      await work().catch(onError)
    }
    working = null
  }
  return {
    offer(work) {
      if (isClosed || waiting.length >= waitingMax) return false
      waiting.push(work)
      working ??= workAll()
      return true
    },
    async close() {
      isClosed = true
      await working
    },
  }
}
