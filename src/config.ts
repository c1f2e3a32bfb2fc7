import os from 'node:os'
import path from 'node:path'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import type { StorageSettings } from './storage/open-blob-store.ts'

const MEBIBYTE = 1024 ** 2

const integer = (minimum: number, maximum: number, fallback: number, description: string) =>
  Type.Integer({ minimum, maximum, default: fallback, description })

/** Every setting, by the name of its environment variable. Units stand last in the names. */
export const ConfigSchema = Type.Object({
  HOST: Type.String({ default: '127.0.0.1', description: 'Address that the API listens on.' }),
  PORT: integer(0, 65_535, 3000, 'Port of the API; 0 takes any free one and prints it.'),
  TRAINYARD_GRPC_PORT: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 65_535,
      description:
        'Port of the Open Inference Protocol over gRPC; without it there is none. 0 takes any free one.',
    }),
  ),
  DATABASE_URL: Type.Optional(
    Type.String({
      pattern: '^postgres(ql)?://',
      description: 'Postgres; without it an embedded one in the data folder.',
    }),
  ),
  REDIS_URL: Type.Optional(
    Type.String({
      pattern: '^rediss?://',
      description: 'Redis for the queue; without it the queue is in Postgres.',
    }),
  ),
  TRAINYARD_DATA_DIR: Type.String({
    default: '.trainyard',
    minLength: 1,
    description: 'Folder of all that is kept.',
  }),
  TRAINYARD_STORAGE: Type.Enum(['disk', 's3'] as const, {
    default: 'disk',
    description: 'Where files are kept: in the data folder, or in a bucket of an S3-compatible store.',
  }),
  TRAINYARD_S3_BUCKET: Type.Optional(Type.String({ description: 'The bucket; required for s3.' })),
  TRAINYARD_S3_ENDPOINT: Type.Optional(
    Type.String({ pattern: '^https?://', description: 'The store; without it Amazon S3.' }),
  ),
  TRAINYARD_S3_REGION: Type.Optional(
    Type.String({ description: 'Without it AWS_REGION, or us-east-1 where an endpoint is given.' }),
  ),
  TRAINYARD_S3_PREFIX: Type.String({
    default: '',
    pattern: '^[^/].*$|^$',
    description: 'Folder in the bucket.',
  }),
  TRAINYARD_S3_PATH_STYLE: Type.Enum(['auto', 'true', 'false'] as const, {
    default: 'auto',
    description: 'Whether the bucket stands in the path of an address; auto: where an endpoint is given.',
  }),
  TRAINYARD_CACHE_BYTES_MAX: integer(
    1,
    Number.MAX_SAFE_INTEGER,
    16 * 1024 * MEBIBYTE,
    'Copies of files of the bucket that a worker keeps in the data folder.',
  ),
  TRAINYARD_API_KEY: Type.Optional(
    Type.String({
      minLength: 16,
      description: 'The bootstrap key; without it one is made and kept in the data folder.',
    }),
  ),
  TRAINYARD_ENGINE: Type.Enum(['auto', 'tensorflow', 'portable'] as const, { default: 'auto' }),
  TRAINYARD_DEVICE: Type.Enum(['auto', 'cpu', 'gpu'] as const, { default: 'auto' }),
  CUDA_VISIBLE_DEVICES: Type.Optional(
    Type.String({ description: 'The GPUs that workers may use, by number or name; without it all.' }),
  ),
  TRAINYARD_TENSORFLOW_DIR: Type.String({
    default: path.join(os.homedir(), '.cache', 'trainyard', 'tensorflow'),
    description: 'Where setup:tensorflow keeps the native libraries, outside node_modules.',
  }),
  TRAINYARD_WORKER_SLOTS: integer(1, 64, 1, 'Trainers that a worker runs at once.'),
  TRAINYARD_LEASE_SECONDS: integer(5, 3600, 30, 'A worker silent for this long loses its jobs.'),
  TRAINYARD_CHECKPOINT_SECONDS: integer(1, 86_400, 30, 'A checkpoint at most this long after the last.'),
  TRAINYARD_TRAINER_SILENCE_SECONDS: integer(
    5,
    86_400,
    120,
    'A trainer at work that gives no sign of life for this long is killed, and its job goes on from its checkpoint.',
  ),
  TRAINYARD_UPLOAD_BYTES_MAX: integer(
    1,
    Number.MAX_SAFE_INTEGER,
    4096 * MEBIBYTE,
    'Size of one uploaded file, unpacked.',
  ),
  TRAINYARD_UPLOAD_HOURS: integer(1, 8_760, 24, 'An upload in parts is kept this long after its last part.'),
  TRAINYARD_TRAINER_BYTES_MAX: integer(
    1,
    Number.MAX_SAFE_INTEGER,
    8192 * MEBIBYTE,
    'Estimated memory of one training.',
  ),
  TRAINYARD_RESIDENT_BYTES_MAX: integer(
    MEBIBYTE,
    Number.MAX_SAFE_INTEGER,
    2048 * MEBIBYTE,
    'Features of a split that are larger are trained in blocks from the disk.',
  ),
  TRAINYARD_EVENT_RETENTION_DAYS: integer(1, 36_500, 90, 'Events of a job are kept this long after its end.'),
  TRAINYARD_GARBAGE_SECONDS: integer(
    60,
    86_400,
    3_600,
    'A file that nothing names is kept this long, and two leases at least.',
  ),
  TRAINYARD_COLLECTION_SECONDS: integer(1, 86_400, 900, 'Between two collections of what nothing needs.'),
  LOG_LEVEL: Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const, {
    default: 'info',
  }),
})

/** What the processes are told at their start; the names say what the settings' names say. */
export interface Config {
  host: string
  port: number
  /** Null: no gRPC. */
  grpcPort: number | null
  databaseUrl: string | null
  redisUrl: string | null
  dataDir: string
  storage: StorageSettings
  apiKey: string | null
  engine: 'auto' | 'tensorflow' | 'portable'
  device: 'auto' | 'cpu' | 'gpu'
  /** What `CUDA_VISIBLE_DEVICES` says; null: all. */
  visibleGpus: string | null
  tensorflowDir: string
  workerSlots: number
  leaseSeconds: number
  checkpointSeconds: number
  trainerSilenceSeconds: number
  uploadBytesMax: number
  uploadHours: number
  trainerBytesMax: number
  residentBytesMax: number
  eventRetentionDays: number
  garbageSeconds: number
  collectionSeconds: number
  logLevel: string
}

/**
 * Reads the settings. The only place that knows `process.env`.
 * @param environment - values are trimmed; empty ones count as absent
 * @throws Error that lists every mistake at once
 */
export function readConfig(environment: NodeJS.ProcessEnv = process.env): Config {
  const given = Object.entries(ConfigSchema.properties).flatMap(([name, schema]) => {
    const value = environment[name]?.trim()
    return value ? [[name, 'type' in schema && schema.type === 'integer' ? toNumber(value) : value]] : []
  })
  const settings: unknown = Value.Default(ConfigSchema, Object.fromEntries(given))
  if (!Value.Check(ConfigSchema, settings)) {
    const mistakes = Value.Errors(ConfigSchema, settings).map(error => {
      const name = error.instancePath.slice(1)
      return `  ${name} ${error.message}, received ${isSecret(name) ? '(hidden)' : JSON.stringify(environment[name])}`
    })
    throw new Error(`the settings are wrong:\n${[...new Set(mistakes)].join('\n')}`)
  }
  return {
    host: settings.HOST,
    port: settings.PORT,
    grpcPort: settings.TRAINYARD_GRPC_PORT ?? null,
    databaseUrl: settings.DATABASE_URL ?? null,
    redisUrl: settings.REDIS_URL ?? null,
    dataDir: path.resolve(settings.TRAINYARD_DATA_DIR),
    storage: toStorage(settings),
    apiKey: settings.TRAINYARD_API_KEY ?? null,
    engine: settings.TRAINYARD_ENGINE,
    device: settings.TRAINYARD_DEVICE,
    visibleGpus: settings.CUDA_VISIBLE_DEVICES ?? null,
    tensorflowDir: path.resolve(settings.TRAINYARD_TENSORFLOW_DIR),
    workerSlots: settings.TRAINYARD_WORKER_SLOTS,
    leaseSeconds: settings.TRAINYARD_LEASE_SECONDS,
    checkpointSeconds: settings.TRAINYARD_CHECKPOINT_SECONDS,
    trainerSilenceSeconds: settings.TRAINYARD_TRAINER_SILENCE_SECONDS,
    uploadBytesMax: settings.TRAINYARD_UPLOAD_BYTES_MAX,
    uploadHours: settings.TRAINYARD_UPLOAD_HOURS,
    trainerBytesMax: settings.TRAINYARD_TRAINER_BYTES_MAX,
    residentBytesMax: settings.TRAINYARD_RESIDENT_BYTES_MAX,
    eventRetentionDays: settings.TRAINYARD_EVENT_RETENTION_DAYS,
    // A worker that comes back within its lease may still name what it stored before.
    garbageSeconds: Math.max(settings.TRAINYARD_GARBAGE_SECONDS, 2 * settings.TRAINYARD_LEASE_SECONDS),
    collectionSeconds: settings.TRAINYARD_COLLECTION_SECONDS,
    logLevel: settings.LOG_LEVEL,
  }
}

function toStorage(settings: Type.Static<typeof ConfigSchema>): StorageSettings {
  const folder = path.resolve(settings.TRAINYARD_DATA_DIR)
  if (settings.TRAINYARD_STORAGE === 'disk') return { kind: 'disk', folder }
  const {
    TRAINYARD_S3_BUCKET: bucket,
    TRAINYARD_S3_ENDPOINT: endpoint = null,
    TRAINYARD_S3_PREFIX: prefix,
    TRAINYARD_S3_PATH_STYLE: pathStyle,
  } = settings
  if (bucket === undefined) {
    throw new Error(
      'the settings are wrong:\n  TRAINYARD_S3_BUCKET is required where TRAINYARD_STORAGE is s3',
    )
  }
  return {
    kind: 's3',
    folder,
    bucket,
    endpoint,
    region: settings.TRAINYARD_S3_REGION ?? (endpoint === null ? null : 'us-east-1'),
    prefix: prefix.replace(/([^/])$/, '$1/'),
    pathStyle: pathStyle === 'auto' ? endpoint !== null : pathStyle === 'true',
    cacheBytesMax: settings.TRAINYARD_CACHE_BYTES_MAX,
  }
}

/** The database's address. @throws Error that says which setting is missing */
export function requireDatabaseUrl(config: Config): string {
  if (config.databaseUrl === null) {
    throw new Error('DATABASE_URL is required; `npm start` runs without it, on an embedded Postgres')
  }
  return config.databaseUrl
}

/** The number that a text is; the text itself when it is none, for the check to refuse. Never rounded. */
function toNumber(text: string): number | string {
  const number = Number(text)
  return Number.isNaN(number) ? text : number
}

/** URLs carry passwords. */
function isSecret(name: string): boolean {
  return name.endsWith('_URL') || name.endsWith('_KEY')
}
