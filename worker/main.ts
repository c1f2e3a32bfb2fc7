import closeWithGrace from 'close-with-grace'
import { readConfig } from '../src/config.ts'
import { connect, openDeps } from '../src/deps.ts'
import { endWithParent } from '../src/end-with-parent.ts'
import { createLogger } from '../src/logger.ts'
import { chooseEngine } from './engines/choose-engine.ts'
import { createTrainerPool } from './trainer-pool.ts'
import { startTrainingWorker, type TrainingWorker } from './training-worker.ts'

const POOL_SIZE = 5
const GRACE_MS = 25_000

const config = readConfig()
const logger = createLogger({ name: 'worker', level: config.logLevel, pretty: process.stderr.isTTY })
const choice = chooseEngine(config)
const trainers = createTrainerPool(
  { choice, storage: config.storage.kind, silenceSeconds: config.trainerSilenceSeconds },
  config.workerSlots,
  logger,
)
const deps = await openDeps(config, logger, POOL_SIZE)

const NO_GPU = 'TRAINYARD_DEVICE=gpu needs a GPU that TensorFlow can use; it computes on the CPU here'

const stopping = new AbortController()
const connecting = connect(deps, stopping.signal, async () => {})
let worker: TrainingWorker | null = null

endWithParent()
closeWithGrace({ delay: GRACE_MS, logger }, async ({ err, signal }) => {
  if (err) logger.error({ err }, 'the worker ends because of an error')
  else logger.info({ signal }, 'the worker ends')
  stopping.abort()
  await worker?.close()
  trainers.close()
  await (await connecting)?.close()
  await deps.close()
})

const loaded = await trainers.loaded.catch(error => {
  if (stopping.signal.aborted) return null
  throw error
})
if (loaded && choice.device === 'gpu' && loaded.device !== 'gpu') throw new Error(NO_GPU)

const connection = await connecting
if (connection && loaded && !stopping.signal.aborted) {
  const { device } = loaded
  const { queue } = connection
  const { engine } = choice
  worker = await startTrainingWorker({
    ...deps,
    ...config,
    engine,
    device,
    trainers,
    queue,
    slots: config.workerSlots,
  })
  logger.info({ engine, device, slots: config.workerSlots }, 'the worker is ready')
  process.send?.({ type: 'ready' })
}
