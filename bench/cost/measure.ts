import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { readConfig } from '../../src/config.ts'
import { chooseEngine, type EngineChoice, engineEnvironment } from '../../worker/engines/choose-engine.ts'
import { describeMachine } from '../machine.ts'
import { writeResults } from '../results.ts'
import { markdownTable } from '../table.ts'
import { countFlops, EPOCH_CASES, type NamedCase, STEP_CASES } from './cases.ts'

/** What a training costs: seconds per epoch as each factor grows, and the time of a step beyond its arithmetic. */
export async function benchCost(): Promise<void> {
  const machine = describeMachine()
  const engines: Measured[] = []
  for (const engine of ['tensorflow', 'portable'] as const) {
    const choice = tryChoosing(engine)
    if (!choice) continue
    console.log(`\nCost of the ${engine} engine: ${EPOCH_CASES.length + STEP_CASES.length} trainings …`)
    engines.push({ engine, seconds: await measureAll(choice) })
  }
  const tables = [writeEpochTable(engines), writeStepTable(engines)]
  console.log(`\n${tables.join('\n\n')}`)
  const named = (cases: readonly NamedCase[], from: number) =>
    cases.map((one, index) => ({
      ...one,
      seconds: Object.fromEntries(engines.map(({ engine, seconds }) => [engine, seconds[from + index]])),
    }))
  const figures = { epochs: named(EPOCH_CASES, 0), steps: named(STEP_CASES, EPOCH_CASES.length) }
  writeResults('cost', machine, figures, tables, [
    'Made-up bytes; 20,000 examples of 256 features, two hidden layers of 128, ten classes, batch 128, Adam, with one',
    'factor at a time changed. An epoch of training without evaluation, median of three after a first.',
  ])
}

interface Measured {
  engine: 'tensorflow' | 'portable'
  /** Of each case: those of epochs, then those of steps. */
  seconds: number[]
}

async function measureAll(choice: EngineChoice): Promise<number[]> {
  const entry = fileURLToPath(new URL(`./child${import.meta.url.slice(-3)}`, import.meta.url))
  const env = {
    ...process.env,
    TRAINYARD_ENGINE: choice.engine,
    ...engineEnvironment(choice, 0, process.env),
  }
  const { stdout } = await promisify(execFile)(process.execPath, [entry], { env })
  return stdout.trim().split('\n').map(Number)
}

function writeEpochTable(engines: readonly Measured[]): string {
  const header = [
    'factor',
    'value',
    ...engines.flatMap(({ engine }) => [`${engine}, s per epoch`, 'GFLOP/s']),
  ]
  const rows = EPOCH_CASES.map(({ factor, value, case: one }, index) => [
    factor,
    value.toLocaleString('en'),
    ...engines.flatMap(({ seconds }) => {
      const time = seconds[index] ?? Number.NaN
      return [time.toFixed(3), (countFlops(one) / time / 1e9).toFixed(0)]
    }),
  ])
  return markdownTable(header, rows)
}

/** With next to no arithmetic, the time of a step is what the engine itself takes. */
function writeStepTable(engines: readonly Measured[]): string {
  const header = ['a step of 4-4-2', ...engines.map(({ engine }) => `${engine}, µs`)]
  const rows = STEP_CASES.map(({ value, case: { examples, batchSize } }, index) => [
    `batch ${value}`,
    ...engines.map(({ seconds }) => {
      const time = seconds[EPOCH_CASES.length + index] ?? Number.NaN
      return ((time / (examples / batchSize)) * 1e6).toFixed(0)
    }),
  ])
  return markdownTable(header, rows)
}

function tryChoosing(engine: 'tensorflow' | 'portable'): EngineChoice | null {
  try {
    return chooseEngine({ ...readConfig(process.env), engine, workerSlots: 1 })
  } catch (error) {
    console.log(error instanceof Error ? error.message : error)
    return null
  }
}
