import { parseArgs } from 'node:util'
import { describeMachine } from '../machine.ts'
import { writeResults } from '../results.ts'
import { type Contestant, listContestants, whyAbsent } from './contestants.ts'
import { type BenchJob, countEpochs, JOBS, mnistFolder } from './jobs.ts'
import { runContestant } from './run-contestant.ts'
import { type Standing, summarize, writeTable } from './summarize.ts'

const USAGE = 'npm run bench -- training [--rounds 3] [--epochs n] [--only tensorflow,jax,…] [--job 1|2]'

/**
 * Trains the same jobs with Trainyard and its peers and compares them. In each round everybody trains once, one after
 * the other, so that a busy minute of the machine falls on all alike. A whole run writes bench/results.
 */
export async function benchTraining(args: string[]): Promise<void> {
  const options = readOptions(args)
  const machine = describeMachine()
  const results = []
  const tables: string[] = []
  const shares: number[] = []
  for (const job of options.jobs) {
    console.log(`\n${job.name}`)
    const standings = await compete(job, options)
    shares.push(...standings.flatMap(({ runs }) => runs.map(run => run.othersShare)))
    const table = writeTable(standings, job)
    console.log(`\n${table}`)
    tables.push(table)
    results.push({
      job,
      contestants: standings.map(({ contestant: { id, label }, runs, absence }) => ({
        ...{ id, label, absence, versions: runs[0]?.versions ?? {} },
        ...(runs.length > 0 && summarize(runs, job)),
        runs: runs.map(({ versions: _, ...run }) => run),
      })),
    })
  }
  if (!options.isWhole) return
  writeResults('training', machine, { rounds: options.rounds, jobs: results }, tables, [
    `MNIST, Adam 0.001, batch 128; 60,000 images of training and 10,000 of evaluation an epoch. ${options.rounds} rounds,`,
    'everybody in turn in each, in processes of their own. Seconds per epoch: median over rounds of the median over',
    'epochs but the first. Memory: the most that was resident at once. Other work took on average',
    `${percent(shares.reduce((sum, share) => sum + share, 0) / shares.length)} of the cores meanwhile, at most ${percent(Math.max(...shares))}.`,
  ])
}

interface Options {
  rounds: number
  jobs: readonly BenchJob[]
  contestants: Contestant[]
  /** Everybody, every job, every epoch: worth keeping. */
  isWhole: boolean
}

/** @throws Error when an option is unknown or makes no sense */
function readOptions(args: string[]): Options {
  const text = { type: 'string' } as const
  const { values } = parseArgs({ args, options: { rounds: text, epochs: text, only: text, job: text } })
  const rounds = Number(values.rounds ?? 3)
  const epochs = Number(values.epochs ?? 2)
  const job = Number(values.job ?? 1)
  const only = values.only?.split(',')
  const contestants = listContestants().filter(({ id }) => only?.includes(id) ?? true)
  const isSensible = [rounds, epochs, job].every(count => Number.isInteger(count) && count >= 1)
  const chosen = values.job === undefined ? JOBS : JOBS.slice(job - 1, job)
  const fixed = values.epochs === undefined ? {} : { epochs, timingEpochs: epochs, slowEpochs: epochs }
  const jobs = chosen.map(one => ({ ...one, ...fixed }))
  if (!isSensible || contestants.length === 0 || jobs.length === 0) throw new Error(USAGE)
  return {
    rounds,
    jobs,
    contestants,
    isWhole: [values.epochs, values.only, values.job].every(value => value === undefined),
  }
}

async function compete(job: BenchJob, { rounds, contestants }: Options): Promise<Standing[]> {
  const standings: (Standing & { contestant: Contestant })[] = contestants.map(contestant => ({
    contestant,
    runs: [],
    absence: whyAbsent(contestant, job),
  }))
  for (let round = 1; round <= rounds; round++) {
    for (const standing of standings) {
      if (standing.absence !== null) continue
      const { contestant } = standing
      const say = (what: string) => console.log(`round ${round}  ${contestant.label.padEnd(34)} ${what}`)
      try {
        const run = await runContestant(contestant, {
          ...job,
          epochs: countEpochs(job, contestant.isSlow, round),
          seed: round,
          data: mnistFolder(),
        })
        standing.runs.push(run)
        const seconds = run.epochSeconds.map(one => one.toFixed(2)).join(' ')
        say(`${run.processSeconds.toFixed(1)} s, others ${percent(run.othersShare)}: ${seconds}`)
      } catch (error) {
        standing.absence = error instanceof Error ? error.message : String(error)
        say(standing.absence)
      }
    }
  }
  return standings
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`
}
