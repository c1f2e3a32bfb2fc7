import { spawn } from 'node:child_process'
import { once } from 'node:events'
import pino from 'pino'
import { describe, expect, it } from 'vitest'
import { explainCrash } from '../../../worker/explain-crash.ts'
import { isOutOfMemory } from '../../../worker/trainer/out-of-memory.ts'
import { createTrainerLog } from '../../../worker/trainer-log.ts'

/** Runs a program of Node.js as a trainer is run, and gives its end. */
async function run(program: string, ...flags: string[]) {
  const child = spawn(process.execPath, [...flags, '-e', program], { stdio: ['ignore', 'pipe', 'pipe'] })
  const log = createTrainerLog(pino({ level: 'silent' }))
  log.follow(child.stdout)
  log.follow(child.stderr)
  const [exitCode, signal] = await once(child, 'close')
  return { crash: { exitCode, signal, sawOomKill: false }, tail: log.tail() }
}

describe('a crash', () => {
  it('of a process whose heap is exhausted is OUT_OF_MEMORY, and final', async () => {
    const { crash, tail } = await run(
      'const all = []; for (;;) all.push(new Array(1e4).fill({}))',
      '--max-old-space-size=20',
    )
    expect(crash).not.toMatchObject({ exitCode: 0 })
    expect(explainCrash(crash, tail)).toMatchObject({
      code: 'OUT_OF_MEMORY',
      isFinal: true,
      message: expect.stringMatching(/heap out of memory.*smaller network, batch or dataset/),
    })
  })

  it('by a signal is WORKER_CRASHED, and tried again', async () => {
    const { crash, tail } = await run("process.kill(process.pid, 'SIGSEGV'); setInterval(() => {}, 1000)")
    expect(explainCrash(crash, tail)).toMatchObject({
      code: 'WORKER_CRASHED',
      isFinal: false,
      message: expect.stringContaining('signal SIGSEGV'),
    })
  })

  it('by the kernel for want of memory is tried again too, for others may have taken it', () => {
    const killed = { exitCode: null, signal: 'SIGKILL', sawOomKill: true } as const
    expect(explainCrash(killed, [])).toMatchObject({ code: 'OUT_OF_MEMORY', isFinal: false })
    expect(explainCrash({ ...killed, sawOomKill: false }, [])).toMatchObject({ code: 'WORKER_CRASHED' })
  })

  it.each([
    "terminate called after throwing an instance of 'std::bad_alloc'",
    "terminate called after throwing an instance of 'std::length_error'",
    'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory',
    'RangeError: Array buffer allocation failed',
    'RangeError: WebAssembly.Memory(): could not allocate memory',
    'OOM when allocating tensor with shape[65536,65536]',
  ])('is for want of memory when the trainer says: %s', line => {
    expect(isOutOfMemory(line)).toBe(true)
  })

  it('is not for want of memory when the trainer says something else', () => {
    expect(isOutOfMemory('TypeError: Cannot read properties of undefined')).toBe(false)
  })

  it('of an allocation that JavaScript refuses says so as V8 does', () => {
    let message = ''
    try {
      new ArrayBuffer(Number.MAX_SAFE_INTEGER)
    } catch (error) {
      message = String(error)
    }
    expect(isOutOfMemory(message), message).toBe(true)
  })
})

describe('the log of a trainer', () => {
  it('keeps the last 20 lines, the last one too when it has no end', async () => {
    const { tail } = await run(
      "for (let n = 1; n <= 30; n++) console.error('line ' + n); process.stderr.write('end')",
    )
    expect(tail).toEqual([...Array.from({ length: 19 }, (_, index) => `line ${index + 12}`), 'end'])
  })

  it('keeps 4,096 characters, of a line 1,000, and nothing that Postgres refuses', async () => {
    const { tail } = await run(
      "for (let n = 1; n <= 9; n++) console.error(n + 'é'.repeat(5000)); console.error('a\\0b'); process.stderr.write(Buffer.from([0xff, 10]))",
    )
    expect(tail.join('').length).toBeLessThanOrEqual(4_096)
    expect(tail.at(-3)).toBe(`9${'é'.repeat(999)}`)
    expect(tail.slice(-2)).toEqual(['ab', '\ufffd'])
  })

  it('leaves out what TensorFlow says at every start', async () => {
    const noise = 'I0000 cpu_feature_guard.cc:210] This binary is optimized. rebuild TensorFlow with …'
    const { tail } = await run(`console.error(${JSON.stringify(noise)}); console.error('Killed')`)
    expect(tail).toEqual(['Killed'])
  })
})
