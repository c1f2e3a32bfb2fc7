import os from 'node:os'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { ConfigSchema, readConfig, requireDatabaseUrl } from '../../src/config.ts'

function mistakesOf(environment: NodeJS.ProcessEnv): string {
  try {
    readConfig(environment)
  } catch (error) {
    return error instanceof Error ? error.message : ''
  }
  throw new Error('the settings were taken')
}

describe('the settings', () => {
  it('have a default each, so that none is needed', () => {
    expect(readConfig({})).toEqual({
      host: '127.0.0.1',
      port: 3000,
      grpcPort: null,
      databaseUrl: null,
      redisUrl: null,
      tensorflowDir: path.join(os.homedir(), '.cache', 'trainyard', 'tensorflow'),
      dataDir: path.resolve('.trainyard'),
      storage: { kind: 'disk', folder: path.resolve('.trainyard') },
      apiKey: null,
      engine: 'auto',
      device: 'auto',
      visibleGpus: null,
      workerSlots: 1,
      leaseSeconds: 30,
      checkpointSeconds: 30,
      trainerSilenceSeconds: 120,
      uploadBytesMax: 4096 * 1024 ** 2,
      uploadHours: 24,
      trainerBytesMax: 8192 * 1024 ** 2,
      residentBytesMax: 2048 * 1024 ** 2,
      eventRetentionDays: 90,
      garbageSeconds: 3600,
      collectionSeconds: 900,
      logLevel: 'info',
    })
  })

  it('are taken from the environment, numbers as numbers', () => {
    const config = readConfig({
      HOST: '0.0.0.0',
      PORT: '0',
      DATABASE_URL: 'postgresql://me:secret@db/trainyard',
      REDIS_URL: 'rediss://cache',
      TRAINYARD_DATA_DIR: '/data',
      TRAINYARD_API_KEY: 'sixteen letters!',
      TRAINYARD_ENGINE: 'portable',
      TRAINYARD_WORKER_SLOTS: '3',
      LOG_LEVEL: 'debug',
    })
    expect(config).toMatchObject({
      host: '0.0.0.0',
      port: 0,
      databaseUrl: 'postgresql://me:secret@db/trainyard',
      redisUrl: 'rediss://cache',
      dataDir: '/data',
      apiKey: 'sixteen letters!',
      engine: 'portable',
      workerSlots: 3,
      logLevel: 'debug',
    })
  })

  it('name a bucket for files, in the path of an address where the store is not Amazon’s', () => {
    const bucket = { TRAINYARD_STORAGE: 's3', TRAINYARD_S3_BUCKET: 'models', TRAINYARD_DATA_DIR: '/data' }
    expect(readConfig(bucket).storage).toEqual({
      kind: 's3',
      folder: '/data',
      bucket: 'models',
      endpoint: null,
      region: null,
      prefix: '',
      pathStyle: false,
      cacheBytesMax: 16 * 1024 ** 3,
    })
    const elsewhere = { TRAINYARD_S3_ENDPOINT: 'http://minio:9000', TRAINYARD_S3_PREFIX: 'some/folder' }
    expect(readConfig({ ...bucket, ...elsewhere }).storage).toMatchObject({
      endpoint: 'http://minio:9000',
      region: 'us-east-1',
      prefix: 'some/folder/',
      pathStyle: true,
    })
  })

  it('are trimmed, and empty ones count as absent', () => {
    expect(readConfig({ PORT: ' 80 ', HOST: '', REDIS_URL: '  ' })).toMatchObject({
      port: 80,
      host: '127.0.0.1',
      redisUrl: null,
    })
  })

  it('leave the rest of the environment alone', () => {
    expect(readConfig({ PATH: '/bin', UNKNOWN: '1' })).toEqual(readConfig({}))
  })
})

describe('wrong settings', () => {
  it('are files in a bucket without its name', () => {
    expect(mistakesOf({ TRAINYARD_STORAGE: 's3' })).toContain('TRAINYARD_S3_BUCKET is required')
  })

  it('are all named at once, with what was received', () => {
    const message = mistakesOf({
      PORT: '65536',
      TRAINYARD_WORKER_SLOTS: 'many',
      TRAINYARD_LEASE_SECONDS: '7.5',
      TRAINYARD_ENGINE: 'quantum',
      HOST: 'fine',
    })
    expect(message).toMatch(/^ {2}PORT .*65535.*received "65536"$/m)
    expect(message).toMatch(/^ {2}TRAINYARD_WORKER_SLOTS .*integer.*received "many"$/m)
    expect(message).toMatch(/^ {2}TRAINYARD_LEASE_SECONDS .*integer.*received "7.5"$/m)
    expect(message).toMatch(/^ {2}TRAINYARD_ENGINE .*received "quantum"$/m)
    expect(message).not.toContain('HOST')
  })

  it('keep their secrets', () => {
    const message = mistakesOf({
      DATABASE_URL: 'mysql://me:hunter2@db',
      REDIS_URL: 'http://me:hunter2@cache',
      TRAINYARD_API_KEY: 'hunter2',
    })
    for (const name of ['DATABASE_URL', 'REDIS_URL', 'TRAINYARD_API_KEY']) {
      expect(message).toMatch(new RegExp(`^ {2}${name} .*received \\(hidden\\)$`, 'm'))
    }
    expect(message).not.toContain('hunter2')
  })

  it.each(Object.keys(ConfigSchema.properties).filter(name => /SECONDS|MAX|SLOTS/.test(name)))(
    '%s may not be zero',
    name => {
      expect(mistakesOf({ [name]: '0' })).toContain(`  ${name} `)
    },
  )
})

it('a process that needs a database says which setting is missing', () => {
  expect(() => requireDatabaseUrl(readConfig({}))).toThrow('DATABASE_URL is required')
  expect(requireDatabaseUrl(readConfig({ DATABASE_URL: 'postgres://db' }))).toBe('postgres://db')
})
