import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'

const LOGGER = new URL('../../dist/src/logger.js', import.meta.url).href

/** The log of a process that logs with `logger`, by its last words. */
function logOf(work: string) {
  const script = `
    import { createLogger } from ${JSON.stringify(LOGGER)}
    const logger = createLogger({ name: 'api', level: 'info', pretty: false, buffered: true })
    ${work}`
  const { stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  })
  return { status, lines: stderr.split('\n').filter(line => line.startsWith('{')) }
}

it('what is buffered is written when the process ends, however it ends', () => {
  const work = 'for (let line = 0; line < 5_000; line++) logger.info({ line })'
  for (const end of ['', 'process.exit(3)', 'throw new Error("its end")']) {
    const { status, lines } = logOf(`${work}\n${end}`)
    expect(lines.map(line => JSON.parse(line).line)).toEqual(Array.from({ length: 5_000 }, (_, line) => line))
    expect(status).toBe(end === '' ? 0 : end.startsWith('throw') ? 1 : 3)
  }
})

it('it is written after a moment while the process lives on', () => {
  const { lines } = logOf(
    'logger.info("first"); setTimeout(() => process.kill(process.pid, "SIGKILL"), 2_000)',
  )
  expect(lines).toHaveLength(1)
})

it('secrets are not logged, nor what else a request brings along', () => {
  const { lines } = logOf(`
    const headers = { authorization: 'Bearer ty_secret' }
    logger.info({ req: { method: 'GET', url: '/v1/jobs?streamToken=ty_secret', ip: '::1', headers }, headers,
      authorization: 'ty_secret', apiKey: 'ty_secret' })`)
  expect(lines).toHaveLength(1)
  expect(lines[0]).not.toContain('ty_secret')
  expect(JSON.parse(lines[0] ?? '').req).toEqual({ method: 'GET', url: '/v1/jobs', remoteAddress: '::1' })
})
