import closeWithGrace from 'close-with-grace'
import { type AppDeps, buildApp } from './app.ts'
import { readConfig, requireDatabaseUrl } from './config.ts'
import { type DatasetProcessor, startDatasetProcessor } from './datasets/processing/processor.ts'
import { createDatabase } from './db/client.ts'
import { connect, openDeps } from './deps.ts'
import { endWithParent } from './end-with-parent.ts'
import { announceKey, hashKey, readBootstrapKey } from './http/api-keys.ts'
import { createKeyCache } from './http/key-cache.ts'
import { findKeyId, findStreamTokenKeyId, saveBootstrapKey } from './http/key-repository.ts'
import { createImageDecoder } from './images/decode-image.ts'
import { createPredictorCache } from './inference/predictor-cache.ts'
import { startTrafficRecorder } from './inference/traffic/recorder.ts'
import { createShadowQueue } from './inference/traffic/shadow-queue.ts'
import { createTurns } from './inference/turns.ts'
import { createLogger } from './logger.ts'
import { createVersionCache } from './models/version-cache.ts'
import { isReady } from './operations/readiness.ts'
import { startRetention } from './operations/retention.ts'
import { createTelemetry } from './operations/telemetry.ts'
import type { TrainingQueue } from './queue/training-queue.ts'
import { readVersion } from './version.ts'

const POOL_SIZE = 10

/** For what goes on besides requests: handing out work, retention, datasets that are made in the background. */
const BACKGROUND_POOL_SIZE = 4

/** Postgres may stand still without closing its connections; a request hears of it before two seconds are over. */
const REQUEST_STATEMENT_MS_MAX = 1_700

const PREDICTOR_BYTES_MAX = 100 * 1024 ** 2
const GRACE_MS = 25_000

/** Memory that buffers of up to half its size share: the bodies and features of most predictions. Node's 8 KiB hold none of them. */
const BUFFER_POOL_BYTES = 64 * 1024

/** Requests that wait for a shadow at most, of 64 rows at most. */
const SHADOWS_WAITING_MAX = 32

Buffer.poolSize = BUFFER_POOL_BYTES

const config = readConfig()
const logger = createLogger({
  name: 'api',
  level: config.logLevel,
  pretty: process.stderr.isTTY,
  buffered: true,
})
const deps = await openDeps(config, logger, BACKGROUND_POOL_SIZE)
const db = createDatabase({
  url: requireDatabaseUrl(config),
  poolSize: POOL_SIZE,
  statementMsMax: REQUEST_STATEMENT_MS_MAX,
  onError: err => logger.debug({ err }, 'database connection lost'),
})
const bootstrap = await readBootstrapKey(config.dataDir, config.apiKey)
const predictors = createPredictorCache(deps.blobs, PREDICTOR_BYTES_MAX)
const reportStale = (err: unknown) => logger.warn({ err }, 'what is kept in memory could not be renewed')
let queue: TrainingQueue | null = null
let processor: DatasetProcessor | null = null
const images = createImageDecoder()
const traffic = startTrafficRecorder(deps)
const shadows = createShadowQueue(SHADOWS_WAITING_MAX, err => logger.warn({ err }, 'a shadow failed'))

const queueBackend = config.redisUrl === null ? 'postgres' : 'redis'

const serving: AppDeps = {
  ...deps,
  ...config,
  db,
  version: readVersion(),
  findKeyId: createKeyCache(sha256 => findKeyId(db, sha256), deps.listener, reportStale),
  findStreamTokenKeyId: sha256 => findStreamTokenKeyId(db, sha256),
  versions: createVersionCache(db, deps.listener, {
    prepare: version => predictors.get(version),
    onError: reportStale,
  }),
  predictors,
  ...images,
  turns: createTurns(),
  traffic,
  shadows,
  queue: () => queue,
  onTask: () => processor?.nudge(),
  queueBackend,
  telemetry: createTelemetry({ db, predictors, queueBackend }),
}
const app = await buildApp(serving)
const url = await app.listen({ host: config.host, port: config.port })
const grpc = config.grpcPort === null ? null : await startGrpc(config.grpcPort)
if (bootstrap.isNew) announceKey(bootstrap.key, config.dataDir)

const stopping = new AbortController()
const connecting = connect(deps, stopping.signal, () => saveBootstrapKey(deps.db, hashKey(bootstrap.key)))
const retention = startRetention({ ...deps, databaseUrl: requireDatabaseUrl(config) }, config)

endWithParent()
closeWithGrace({ delay: GRACE_MS, logger }, async ({ err, signal }) => {
  if (err) logger.error({ err }, 'the API ends because of an error')
  else logger.info({ signal }, 'the API ends')
  stopping.abort()
  await Promise.all([app.close(), grpc?.close()])
  await shadows.close()
  await traffic.close()
  await retention.close()
  await processor?.close()
  await (await connecting)?.close()
  await db.$disconnect()
  await deps.close()
})

const connection = await connecting
if (connection) {
  queue = connection.queue
  processor = startDatasetProcessor({ ...deps, ...config, ...images })
  logger.info({ url, ...(grpc && { grpcPort: grpc.port }) }, 'the API is ready')
  process.send?.({ type: 'ready', url })
}

/** The library is a tenth of what the process has loaded: only where it is wanted. */
async function startGrpc(port: number) {
  const { startGrpcServer } = await import('./inference/open-inference/grpc/server.ts')
  const { observeRequest } = serving.telemetry
  const whole = { ...serving, isReady: () => isReady(serving), observeRequest }
  return startGrpcServer(whole, { host: config.host, port })
}
