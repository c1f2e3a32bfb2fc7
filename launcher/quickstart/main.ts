import { mkdir, open, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import { type Config, readConfig } from '../../src/config.ts'
import { readBootstrapKey } from '../../src/http/api-keys.ts'
import { runUntilStopped } from '../run-until-stopped.ts'
import { type Service, startService } from '../service.ts'
import { type Client, createClient } from './client.ts'
import { MNIST_NETWORK, MNIST_TRAINING, readMnistForm } from './mnist.ts'
import { createProgressView, type EpochRow, percent } from './progress.ts'

const say = (line = '') => process.stdout.write(`${line}\n`)
const staysUp = process.stdout.isTTY && !process.argv.includes('--exit')

/** `npm run quickstart`: starts the service, trains on MNIST through the API, asks the model, and stays up. */
await runUntilStopped(async onStarting => {
  const config = await readQuickstartConfig()
  await mkdir(config.dataDir, { recursive: true })
  const { key } = await readBootstrapKey(config.dataDir, config.apiKey)
  const logFile = path.join(config.dataDir, 'quickstart.log')
  const log = await open(logFile, 'a', 0o600)
  say(`Starting the service (log: ${shown(logFile)})`)
  const service = await startService(config, log.fd, onStarting)
  await log.close()
  await demonstrate(createClient(service.url, key), digitFileOf(config))
  showWhatNext(service, config)
  return staysUp ? service : null
})

/** Port 3000, or any free one when it is taken and none was asked for. */
async function readQuickstartConfig(): Promise<Config> {
  const config = readConfig()
  if (process.env.PORT || (await isFree(config.host, config.port))) return config
  return { ...config, port: 0 }
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, host, () => server.close(() => resolve(true)))
  })
}

interface Dataset {
  id: string
  splits: Record<string, { examples: number }>
}

interface Job {
  id: string
  status: string
  modelVersion: number | null
  parameterCount: number
  error: { message: string } | null
}

async function demonstrate(client: Client, digitFile: string): Promise<void> {
  const uploadedMs = performance.now()
  const dataset = await client.post<Dataset>('/v1/datasets', await readMnistForm('mnist'))
  const { train, test } = dataset.splits
  say(`Uploaded MNIST: ${train?.examples} training and ${test?.examples} test images, ${seconds(uploadedMs)}`)
  const submitted = await client.post<Job>('/v1/jobs', {
    name: 'digits',
    datasetId: dataset.id,
    network: MNIST_NETWORK,
    training: { ...MNIST_TRAINING, seed: 42 },
  })
  say(
    `Training 784 → 128 → 64 → 10, ${submitted.parameterCount.toLocaleString('en')} parameters: ${submitted.id}\n`,
  )
  const job = await watch(client, submitted.id)
  if (job.status !== 'succeeded') throw new Error(`the job ${job.status}: ${job.error?.message ?? ''}`)
  const { metrics } = await client.get<{ metrics: { accuracy: number } }>(`/v1/jobs/${job.id}/evaluation`)
  say(`\nModel digits, version ${job.modelVersion}: ${percent(metrics.accuracy)} of the test images right\n`)
  await askForDigits(client, dataset, digitFile)
  say(`\nCurves: /v1/jobs/${job.id}/curves.svg`)
}

async function watch(client: Client, jobId: string): Promise<Job> {
  const view = createProgressView(process.stdout)
  for await (const { type, data } of client.events(`/v1/jobs/${jobId}/events`)) {
    // Fields are those of the API's own schemas.
    if (type === 'job.progress') view.progress(data.data as Parameters<typeof view.progress>[0])
    if (type === 'job.epoch') view.epoch(data.data as EpochRow)
  }
  return client.get<Job>(`/v1/jobs/${jobId}`)
}

/** Posts one real test image of each digit, and leaves one for the user to post. */
async function askForDigits(client: Client, dataset: Dataset, digitFile: string): Promise<void> {
  say('Ten test images, posted as PNG:')
  const { data } = await client.get<{ data: { index: number; label: string }[] }>(
    `/v1/datasets/${dataset.id}/examples?split=test&limit=100`,
  )
  const chosen = Array.from({ length: 10 }, (_, digit) => data.find(({ label }) => label === String(digit)))
  for (const example of chosen) {
    if (!example) continue
    const image = await client.download(
      `/v1/datasets/${dataset.id}/examples/${example.index}/image.png?split=test`,
    )
    if (example.label === '7') await writeFile(digitFile, image)
    const { predictions } = await client.post<{ predictions: { label: string; probability: number }[] }>(
      '/v1/models/digits/predict',
      image,
      'image/png',
    )
    const [prediction] = predictions
    if (!prediction) throw new Error('a prediction answers each image')
    const verdict = prediction.label === example.label ? 'right' : `wrong, it is a ${example.label}`
    say(
      `  ${example.label} → ${prediction.label}  ${percent(prediction.probability).padStart(8)}  ${verdict}`,
    )
  }
}

function showWhatNext({ url }: Service, config: Config): void {
  const keyFile = shown(path.join(config.dataDir, 'api-key'))
  const key = config.apiKey === null ? `$(cat ${keyFile})` : '$TRAINYARD_API_KEY'
  const authorization = `-H "Authorization: Bearer ${key}"`
  say(`Address: ${url}   Docs: ${url}/docs   Key: ${config.apiKey === null ? keyFile : 'TRAINYARD_API_KEY'}`)
  if (!staysUp) return
  say('\nTry next, in another terminal:')
  say(`  curl ${authorization} '${url}/v1/jobs?limit=1'`)
  say(`  curl ${authorization} ${url}/v1/models/digits`)
  say(
    `  curl ${authorization} -H 'Content-Type: image/png' --data-binary @${digitFileOf(config)} ${url}/v1/models/digits/predict`,
  )
  say('\nCtrl-C ends everything.')
}

function digitFileOf({ dataDir }: Config): string {
  return shown(path.join(dataDir, 'digit.png'))
}

/** A path as short as it can be typed here. */
function shown(file: string): string {
  const relative = path.relative('.', file)
  return relative.startsWith('..') ? file : relative
}

function seconds(sinceMs: number): string {
  return `${((performance.now() - sinceMs) / 1_000).toFixed(1)} s`
}
