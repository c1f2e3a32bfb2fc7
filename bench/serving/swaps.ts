import { rm } from 'node:fs/promises'
import path from 'node:path'
import { createDatabase } from '../../src/db/client.ts'
import { resolveVersion } from '../../src/models/repository.ts'
import { startApi } from '../api-process.ts'
import { type LoadResult, sendLoad } from '../load.ts'
import { startBalancer } from './balancer.ts'
import type { BenchService } from './service.ts'

/** Requests that met with moves, broken versions and restarts. */
export interface Swaps extends LoadResult {
  aliasMoves: number
  brokenVersions: number
  restarts: number
}

const GOOD_VERSIONS = 3
const BROKEN_VERSIONS = 5
const ALIAS_MOVES = 20
const CONNECTIONS = 16

/**
 * Sends predictions by an alias through a balancer to two API processes, while the alias moves, shall move to versions whose
 * files are damaged, and each process is restarted, as a deploy does it.
 */
export async function measureSwaps(
  service: BenchService,
  { requests }: { requests: number },
): Promise<Swaps> {
  const model = 'swapped'
  const versions: number[] = []
  for (let seed = 1; seed <= GOOD_VERSIONS + BROKEN_VERSIONS; seed++) {
    versions.push(await service.train(model, { epochs: 1, seed }))
  }
  const [good, broken] = [versions.slice(0, GOOD_VERSIONS), versions.slice(GOOD_VERSIONS)]
  const point = (version: number) => pointAlias(service, model, version)
  await point(good[0] ?? 1)

  const processes = [await startApi(service.dataDir), await startApi(service.dataDir)]
  for (const version of broken) await damage(service, model, version)
  const balancer = await startBalancer()
  const balance = () => balancer.setBackends(processes.map(({ url }) => url))
  balance()
  const authorization = `Bearer ${service.key}`
  const load = sendLoad({
    url: balancer.url,
    connections: CONNECTIONS,
    amount: requests,
    requests: [
      {
        path: `/v1/models/${model}/aliases/production/predict`,
        headers: { authorization, 'content-type': 'application/json' },
        body: Buffer.from(JSON.stringify({ instances: service.digits.pixels.slice(0, 1) })),
      },
    ],
  })
  let isOver = false
  const watched = load.finally(() => {
    isOver = true
  })
  const pauseMs = (requests / 200_000) * 2_500
  const disturb = async () => {
    for (let move = 0; move < ALIAS_MOVES && !isOver; move++) {
      await point(good[move % good.length] ?? 1)
      await pause(pauseMs)
      const bad = broken[Math.floor(move / 4)]
      if (move % 4 === 3 && bad !== undefined) await expectRefusal(() => point(bad))
      if (move % 8 === 7) {
        const index = Math.floor(move / 8)
        const old = processes[index]
        if (old) {
          processes[index] = await startApi(service.dataDir)
          balance()
          await old.stop()
        }
      }
    }
  }
  await Promise.all([watched, disturb()])
  const result = await load
  await balancer.close()
  await Promise.all(processes.map(({ stop }) => stop()))
  return { ...result, aliasMoves: ALIAS_MOVES, brokenVersions: broken.length, restarts: processes.length }
}

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

async function pointAlias({ url, key }: BenchService, model: string, version: number): Promise<void> {
  const response = await fetch(`${url}/v1/models/${model}/aliases/production`, {
    method: 'PUT',
    body: JSON.stringify({ version }),
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
  })
  if (!response.ok) throw new Error(`the alias did not move: ${response.status} ${await response.text()}`)
}

/** An alias does not move to what cannot answer. */
async function expectRefusal(move: () => Promise<void>): Promise<void> {
  const isRefused = await move().then(
    () => false,
    (error: Error) => error.message.includes('MODEL_DAMAGED'),
  )
  if (!isRefused) throw new Error('an alias moved to a version whose files are damaged')
}

/** Deletes the weights of a version. */
async function damage({ databaseUrl, dataDir }: BenchService, model: string, version: number): Promise<void> {
  const db = createDatabase({ url: databaseUrl, poolSize: 1, onError: () => {} })
  const { files } = await resolveVersion(db, model, { version })
  await db.$disconnect()
  const sha256 = files['weights.bin']
  await rm(path.join(dataDir, 'blobs', sha256.slice(0, 2), sha256))
}
