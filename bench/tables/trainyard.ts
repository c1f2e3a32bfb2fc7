import { openAsBlob } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { type Client, createClient } from '../../launcher/quickstart/client.ts'
import { startService } from '../../launcher/service.ts'
import { readConfig } from '../../src/config.ts'
import { readBootstrapKey } from '../../src/http/api-keys.ts'
import { CONTEST, type Table } from './contest.ts'

/** Of Adam in scikit-learn; ours has Keras's, 1e-7. */
const EPSILON = 1e-8

/** Scores of tables trained through the whole service, by uploads and jobs: accuracy or RMSE on the test rows. */
export async function scoreByTrainyard(tables: readonly Table[]): Promise<number[]> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'trainyard-bench-'))
  await chmod(folder, 0o755)
  Object.assign(process.env, { TRAINYARD_DATA_DIR: folder, LOG_LEVEL: 'warn', TRAINYARD_WORKER_SLOTS: '2' })
  const config = { ...readConfig({ ...process.env, PORT: '0' }), apiKey: null }
  const service = await startService(config, 'inherit', () => {})
  try {
    const { key } = await readBootstrapKey(folder, null)
    const client = createClient(service.url, key)
    const jobs: string[] = []
    for (const table of tables) jobs.push(await submit(client, table))
    const scores: number[] = []
    for (const [index, table] of tables.entries())
      scores.push(await scoreOf(client, jobs[index] ?? '', table))
    return scores
  } finally {
    await service.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Nothing is said of the columns: what a user gets who says nothing is compared. @returns the job */
async function submit(client: Client, { name, task, seed, classes, train, test }: Table): Promise<string> {
  const form = new FormData()
  form.set('name', name)
  form.set('task', task)
  form.set('train', await openAsBlob(train), 'train.csv')
  form.set('test', await openAsBlob(test), 'test.csv')
  const { id: datasetId } = await client.post<{ id: string }>('/v1/datasets', form)
  const { epochs, batchSize, learningRate } = CONTEST.training
  const job = await client.post<{ id: string }>('/v1/jobs', {
    name: name.replaceAll(' ', '-'),
    datasetId,
    network: {
      layers: [
        ...CONTEST.hidden.map(units => ({ type: 'dense', units, activation: 'relu' })),
        { type: 'dense', ...outputOf(classes) },
      ],
    },
    training: {
      ...{ epochs, batchSize, seed, validation: null },
      optimizer: { type: 'adam', learningRate, epsilon: EPSILON },
    },
  })
  return job.id
}

/** As scikit-learn has it: one unit for two classes or a number, else one for each class. */
function outputOf(classes: number): { units: number; activation: string } {
  if (classes > 2) return { units: classes, activation: 'softmax' }
  return { units: 1, activation: classes === 2 ? 'sigmoid' : 'linear' }
}

async function scoreOf(client: Client, id: string, { name, task }: Table): Promise<number> {
  for (;;) {
    const job = await client.get<{ status: string; error: unknown }>(`/v1/jobs/${id}?waitSeconds=30`)
    if (job.status === 'succeeded') break
    if (!['queued', 'running'].includes(job.status)) {
      throw new Error(`${name}: ${job.status}, ${JSON.stringify(job.error)}`)
    }
  }
  const { split, metrics } = await client.get<{ split: string; metrics: Record<string, number> }>(
    `/v1/jobs/${id}/evaluation`,
  )
  const score = metrics[task === 'classification' ? 'accuracy' : 'rootMeanSquaredError']
  if (split !== 'test' || score === undefined) throw new Error(`${name} has no score of its test rows`)
  return score
}
