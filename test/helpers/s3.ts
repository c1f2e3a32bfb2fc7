import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import type { StorageSettings } from '../../src/storage/open-blob-store.ts'
import { hasPythonPackages, installPythonPackages } from './python-packages.ts'
import type { Release } from './service.ts'
import { remember } from './started-processes.ts'
import { until } from './until.ts'

/** Whether an S3 server can be had here. @throws Error where CI is set and it cannot */
export function hasS3Server(): boolean {
  return hasPythonPackages('s3-server')
}

/** An S3 server of the test's own on a free loopback port. */
export interface S3Server {
  url: string
  /** What a process needs to use a new bucket of the server. */
  createBucket(name: string): Promise<NodeJS.ProcessEnv>
}

/** Any credentials are good. */
export const S3_CREDENTIALS = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' }

/** Starts moto, which keeps everything in memory. */
export async function startS3Server(release: Release): Promise<S3Server> {
  const child = spawn('python3', ['-m', 'moto.server', '-H', '127.0.0.1', '-p', '0'], {
    env: { ...process.env, PYTHONPATH: installPythonPackages('s3-server'), PYTHONUNBUFFERED: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  remember(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', piece => {
      output = (output + piece).slice(0, 10_000)
    })
  }
  release(async () => {
    const gone = once(child, 'exit')
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await gone
    }
  })
  const url = await until(() => /Running on (http:\/\/[\d.:]+)/.exec(output)?.[1], { what: 'an S3 server' })
  return {
    url,
    async createBucket(name) {
      const client = new S3Client({
        endpoint: url,
        region: 'us-east-1',
        forcePathStyle: true,
        credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      })
      await client.send(new CreateBucketCommand({ Bucket: name }))
      client.destroy()
      return {
        ...S3_CREDENTIALS,
        TRAINYARD_STORAGE: 's3',
        TRAINYARD_S3_BUCKET: name,
        TRAINYARD_S3_ENDPOINT: url,
      }
    },
  }
}

/** Settings of a bucket of a server, for a store in this process. */
export function bucketSettings(
  endpoint: string,
  bucket: string,
  folder: string,
): Extract<StorageSettings, { kind: 's3' }> {
  return {
    kind: 's3',
    folder,
    bucket,
    endpoint,
    region: 'us-east-1',
    prefix: 'some/where/',
    pathStyle: true,
    cacheBytesMax: 2 ** 30,
  }
}
