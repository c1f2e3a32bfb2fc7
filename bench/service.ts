import { readdirSync, readFileSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { type Client, createClient } from '../launcher/quickstart/client.ts'
import { MNIST_NETWORK, MNIST_TRAINING, readMnistForm } from '../launcher/quickstart/mnist.ts'
import { startService } from '../launcher/service.ts'
import { readConfig } from '../src/config.ts'
import { readBootstrapKey } from '../src/http/api-keys.ts'

const SEEDS = [1, 2, 3]
const PREDICTIONS = 1_000

/** The canonical job through the whole service on this machine, with three seeds, and what it costs. */
export async function benchService(): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'trainyard-bench-'))
  await chmod(folder, 0o755)
  const config = { ...readConfig({ TRAINYARD_DATA_DIR: folder, PORT: '0' }), apiKey: null }
  process.env.TRAINYARD_DATA_DIR = folder
  process.env.LOG_LEVEL = 'warn'
  const service = await startService(config, 'inherit', () => {})
  try {
    const { key } = await readBootstrapKey(folder, null)
    await measure(createClient(service.url, key))
  } finally {
    await service.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

interface Job {
  id: string
  status: string
}

async function measure(client: Client): Promise<void> {
  const form = await readMnistForm('mnist')
  const [uploadMs, dataset] = await timed(() => client.post<{ id: string }>('/v1/datasets', form))
  report('upload of the four MNIST files', `${(uploadMs / 1_000).toFixed(2)} s`)
  for (const seed of [...SEEDS, 1]) {
    const [totalMs, run] = await timed(() => train(client, dataset.id, seed))
    const { data } = await client.get<{ data: { durationMs: number; loss: number; valAccuracy: number }[] }>(
      `/v1/jobs/${run.job.id}/epochs`,
    )
    const seconds = data.map(row => row.durationMs / 1_000).sort((a, b) => a - b)
    const last = data.at(-1)
    report(
      `seed ${seed}: ${data.length} epochs`,
      `accuracy ${last?.valAccuracy.toFixed(4)}, loss ${last?.loss.toFixed(10)}, ` +
        `${seconds[Math.floor(seconds.length / 2)]?.toFixed(2)} s an epoch (median), ` +
        `${(totalMs / 1_000).toFixed(1)} s from submission to end, trainer ${run.trainerMegabytes} MB`,
    )
    report(
      '  reads of the job meanwhile',
      `${run.readsMs.length}, p99 ${percentile(run.readsMs, 0.99).toFixed(1)} ms`,
    )
  }
  const images = await client.get<{ data: { index: number }[] }>(
    `/v1/datasets/${dataset.id}/examples?split=test&limit=50`,
  )
  const files = await Promise.all(
    images.data.map(({ index }) =>
      client.download(`/v1/datasets/${dataset.id}/examples/${index}/image.png?split=test`),
    ),
  )
  const predictionsMs: number[] = []
  for (let count = 0; count < PREDICTIONS; count++) {
    const file = files[count % files.length] ?? Buffer.alloc(0)
    predictionsMs.push((await timed(() => client.post('/v1/models/bench/predict', file, 'image/png')))[0])
  }
  report(
    `${PREDICTIONS} PNG predictions, one by one`,
    `p50 ${percentile(predictionsMs, 0.5).toFixed(1)} ms, p99 ${percentile(predictionsMs, 0.99).toFixed(1)} ms`,
  )
  report('API memory after them', `${Math.max(...residents('src/server.js'))} MB`)
}

async function train(client: Client, datasetId: string, seed: number) {
  const { id } = await client.post<Job>('/v1/jobs', {
    name: 'bench',
    datasetId,
    network: MNIST_NETWORK,
    training: { ...MNIST_TRAINING, seed },
  })
  const readsMs: number[] = []
  let trainerMegabytes = 0
  for (;;) {
    const [ms, job] = await timed(() => client.get<Job>(`/v1/jobs/${id}`))
    readsMs.push(ms)
    trainerMegabytes = Math.max(trainerMegabytes, ...residents('trainer/main.js'))
    if (!['queued', 'running'].includes(job.status)) return { job, readsMs, trainerMegabytes }
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

async function timed<T>(work: () => Promise<T>): Promise<[ms: number, result: T]> {
  const startedMs = performance.now()
  const result = await work()
  return [performance.now() - startedMs, result]
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
}

/** Resident megabytes of the processes that run an entry of this service. @see proc(5), VmRSS */
function residents(entry: string): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .flatMap(pid => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        if (!command.includes(entry) || !readFileSync(`/proc/${pid}/environ`, 'utf8').includes('PATH='))
          return []
        const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
        return kilobytes ? [Math.round(Number(kilobytes) / 1_000)] : []
      } catch {
        return [] // it ended while we looked
      }
    })
}

function report(what: string, figure: string): void {
  process.stdout.write(`${what.padEnd(34)} ${figure}\n`)
}
