import type { Random } from '../../src/mlp/random.ts'
import { isAlive, signalTo, trainersOf } from '../helpers/processes.ts'
import type { RedisServer } from '../helpers/redis.ts'
import type { ServiceProcess, TestService } from '../helpers/service.ts'
import type { PostgresServer } from './postgres.ts'
import type { Timeline } from './timeline.ts'

/** Everything that can be killed, and is put back as a supervisor would. */
export interface Victims {
  service: TestService
  workers: ServiceProcess[]
  postgres: PostgresServer
  /** Null: the queue is in Postgres. */
  redis: RedisServer | null
  timeline: Timeline
  random: Random
  /** Every trainer that was ever seen. */
  trainersSeen: Set<number>
}

type Blow = (victims: Victims) => Promise<void>

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

/** Blows, each as often as it stands here. */
const BLOWS: readonly Blow[] = [
  ...[killTrainer, killTrainer, killTrainer, crashTrainer],
  ...[killWorker, killWorker, stopWorkerForAWhile, endWorker],
  ...[killApi, killPostgres, killRedis, emptyRedis],
]

/** Strikes somebody at random, and puts back who was killed. */
export async function strike(victims: Victims): Promise<void> {
  const { random } = victims
  const blow = BLOWS[random.integer(BLOWS.length)]
  await blow?.(victims)
}

/** Remembers who trains now, to look for strays at the end. */
export function noteTrainers({ workers, trainersSeen }: Victims): void {
  for (const { pid } of workers) for (const trainer of trainersOf(pid)) trainersSeen.add(trainer)
}

async function signalTrainer({ workers, random, timeline }: Victims, signal: NodeJS.Signals): Promise<void> {
  const trainers = workers.flatMap(({ pid }) => trainersOf(pid))
  const trainer = trainers[random.integer(Math.max(1, trainers.length))]
  if (trainer === undefined) return
  timeline.note(`${signal} to trainer ${trainer}`)
  signalTo(trainer, signal)
}

function killTrainer(victims: Victims): Promise<void> {
  return signalTrainer(victims, 'SIGKILL')
}

function crashTrainer(victims: Victims): Promise<void> {
  return signalTrainer(victims, 'SIGSEGV')
}

async function replaceWorker(victims: Victims, signal: NodeJS.Signals): Promise<void> {
  const { workers, random, service, timeline } = victims
  const index = random.integer(workers.length)
  const old = workers[index]
  if (!old) return
  timeline.note(`${signal} to worker ${old.pid}`)
  await old.end(signal)
  const next = await service.startWorker()
  workers[index] = next
  timeline.note(`worker ${next.pid} is ready`)
}

function killWorker(victims: Victims): Promise<void> {
  return replaceWorker(victims, 'SIGKILL')
}

/** As a deploy does. */
function endWorker(victims: Victims): Promise<void> {
  return replaceWorker(victims, 'SIGTERM')
}

/** Often longer than its lease: others take its jobs, and it must not spoil them when it wakes. */
async function stopWorkerForAWhile({ workers, random, timeline }: Victims): Promise<void> {
  const worker = workers[random.integer(workers.length)]
  if (!worker || !isAlive(worker.pid)) return
  const ms = 1_000 + random.integer(9_000)
  timeline.note(`SIGSTOP to worker ${worker.pid} for ${ms} ms`)
  signalTo(worker.pid, 'SIGSTOP')
  await pause(ms)
  signalTo(worker.pid, 'SIGCONT')
  timeline.note(`SIGCONT to worker ${worker.pid}`)
}

async function killApi({ service, timeline }: Victims): Promise<void> {
  timeline.note(`SIGKILL to API ${service.api.pid}`)
  await service.api.end('SIGKILL')
  const next = await service.startApi()
  timeline.note(`API ${next.pid} is ready`)
}

async function killPostgres({ postgres, random, timeline }: Victims): Promise<void> {
  timeline.note('SIGKILL to Postgres')
  await postgres.kill()
  await pause(random.integer(3_000))
  await postgres.start()
  timeline.note('Postgres is back')
}

async function killRedis({ redis, random, timeline }: Victims): Promise<void> {
  if (!redis) return
  timeline.note('SIGKILL to Redis')
  await redis.end('SIGKILL')
  await pause(random.integer(3_000))
  await redis.start()
  timeline.note('Redis is back')
}

async function emptyRedis({ redis, timeline }: Victims): Promise<void> {
  if (!redis) return
  await redis.empty()
  timeline.note('FLUSHALL')
}
