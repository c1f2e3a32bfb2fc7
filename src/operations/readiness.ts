import type { Database } from '../db/client.ts'
import type { TrainingQueue } from '../queue/training-queue.ts'
import type { BlobStore } from '../storage/blob-store.ts'

/** How a part is. */
export type PartStatus = 'ok' | 'away'

/** What `/readyz` tells. Without its queue the service still takes jobs, which then wait. */
export interface Readiness {
  status: 'ready' | 'degraded' | 'unready'
  parts: { database: PartStatus; queue: PartStatus; storage: PartStatus }
}

/** What is looked at; the queue is null until it was reached for the first time. */
export interface ReadinessDeps {
  db: Database
  blobs: BlobStore
  queue: () => TrainingQueue | null
}

const PATIENCE_MS = 1_500

/** Whether predictions can be answered at all. */
export async function isReady(deps: ReadinessDeps): Promise<boolean> {
  return (await readReadiness(deps)).status !== 'unready'
}

/** Asks each part for a sign of life, all at once. */
export async function readReadiness({ db, blobs, queue }: ReadinessDeps): Promise<Readiness> {
  const [database, queueStatus, storage] = await Promise.all([
    statusOf(db.$queryRaw`SELECT 1`),
    statusOf(queue()?.check() ?? Promise.reject(new Error('not connected yet'))),
    statusOf(blobs.check()),
  ])
  const isUsable = database === 'ok' && storage === 'ok'
  return {
    status: isUsable ? (queueStatus === 'ok' ? 'ready' : 'degraded') : 'unready',
    parts: { database, queue: queueStatus, storage },
  }
}

async function statusOf(sign: Promise<unknown>): Promise<PartStatus> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<PartStatus>(resolve => {
    timer = setTimeout(resolve, PATIENCE_MS, 'away')
  })
  try {
    return await Promise.race([
      late,
      sign.then(
        () => 'ok' as const,
        () => 'away' as const,
      ),
    ])
  } finally {
    clearTimeout(timer)
  }
}
