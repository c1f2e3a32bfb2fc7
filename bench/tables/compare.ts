import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { describeMachine } from '../machine.ts'
import { writeResults } from '../results.ts'
import { markdownTable } from '../table.ts'
import { CONTEST, type Table } from './contest.ts'
import { scoreByTrainyard } from './trainyard.ts'

/** Seeds of a run that is written down: with five, chance alone moves the mean RMSE of a small table by 2 %. */
const SEEDS = 20

/** Python with scikit-learn, which setup-peers.mjs makes. */
const PYTHON = path.join(
  process.env.TRAINYARD_PEERS_DIR || path.join(os.homedir(), '.cache', 'trainyard', 'peers'),
  'bin',
  'python',
)

/** What counts as as good: points of accuracy, and per cent of the RMSE. */
const GOAL = { classification: 1, regression: 2 } as const

/**
 * How well tables are learnt: scikit-learn's own datasets, by the whole service and by scikit-learn's MLPs with the same
 * network, training, seeds and splits. `--seeds 5` for a quick look.
 */
export async function benchTables(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { seeds: { type: 'string', default: String(SEEDS) } } })
  if (!existsSync(PYTHON)) {
    console.log('tables: skipped without scikit-learn, which `node bench/setup-peers.mjs` sets up')
    return
  }
  const machine = describeMachine()
  const folder = await mkdtemp(path.join(os.tmpdir(), 'trainyard-tables-'))
  try {
    const tables: Table[] = JSON.parse(await runPython('export.py', [folder, values.seeds]))
    const theirs: number[] = JSON.parse(await runPython('scikit_learn.py', [], { ...CONTEST, tables }))
    const ours = await scoreByTrainyard(tables)
    const rows = summarize(tables, ours, theirs)
    const table = describe(rows)
    console.log(`\n${table}`)
    if (values.seeds !== String(SEEDS)) return
    const { epochs, batchSize, learningRate } = CONTEST.training
    writeResults(
      'tables',
      machine,
      { contest: CONTEST, rows },
      [table],
      [
        `Accuracy, or RMSE in the target's units, on a quarter of the rows; mean ± deviation over ${SEEDS} seeds, each with a split of its own, the same`,
        `for both. Hidden layers ${CONTEST.hidden.join(' and ')} with relu, Adam at ${learningRate}, batch ${batchSize}, ${epochs} epochs, no penalty, standardised inputs and targets.`,
        'Trainyard: CSV files through the whole service, with nothing said of the columns. Difference: its mean and the standard error of that.',
      ],
    )
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function runPython(script: string, args: string[], input: object = {}): Promise<string> {
  const running = promisify(execFile)(PYTHON, [path.resolve('bench', 'tables', script), ...args], {
    maxBuffer: 2 ** 24,
  })
  running.child.stdin?.end(JSON.stringify(input))
  return (await running).stdout
}

interface Row extends Pick<Table, 'name' | 'task' | 'rows' | 'features'> {
  ours: number[]
  theirs: number[]
  /** Of the means: points of accuracy, or per cent of the RMSE; more is better for ours. */
  difference: number
  /** Of the difference, by the seeds, in the same unit. */
  standardError: number
}

function summarize(tables: readonly Table[], ours: readonly number[], theirs: readonly number[]): Row[] {
  const names = [...new Set(tables.map(({ name }) => name))]
  return names.map(name => {
    const own = (scores: readonly number[]) => scores.filter((_, index) => tables[index]?.name === name)
    const { task, rows, features } = tables.find(table => table.name === name) as Table // named by one just now
    const [mine, other] = [own(ours), own(theirs)]
    const unit = task === 'classification' ? 100 : -100 / mean(other)
    const differences = mine.map((score, index) => unit * (score - (other[index] ?? Number.NaN)))
    const difference = mean(differences)
    const standardError = deviation(differences) / Math.sqrt(differences.length)
    return { name, task, rows, features, ours: mine, theirs: other, difference, standardError }
  })
}

function describe(rows: readonly Row[]): string {
  const header = ['table', 'rows', 'columns', 'Trainyard', 'scikit-learn', 'difference', 'goal']
  return markdownTable(
    header,
    rows.map(({ name, task, rows: count, features, ours, theirs, difference, standardError }) => {
      const isRegression = task === 'regression'
      const text = (scores: readonly number[]) =>
        isRegression
          ? `RMSE ${mean(scores).toFixed(2)} ± ${deviation(scores).toFixed(2)}`
          : `${(100 * mean(scores)).toFixed(2)} ± ${(100 * deviation(scores)).toFixed(2)} %`
      const sign = Math.abs(difference) < 0.005 ? '' : difference < 0 ? '−' : '+'
      const unit = isRegression ? '% better' : 'points'
      return [
        name,
        String(count),
        String(features),
        text(ours),
        text(theirs),
        `${sign}${Math.abs(difference).toFixed(2)} ± ${standardError.toFixed(2)} ${unit}`,
        difference >= -GOAL[task] ? 'reached' : 'missed',
      ]
    }),
  )
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length
}

/** Of a sample. */
function deviation(numbers: readonly number[]): number {
  const center = mean(numbers)
  return Math.sqrt(
    numbers.reduce((sum, number) => sum + (number - center) ** 2, 0) / Math.max(1, numbers.length - 1),
  )
}
