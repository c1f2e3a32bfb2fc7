import { createRandom } from '../../src/mlp/random.ts'
import type { Json, TestService } from './service.ts'

/** A passenger in JSON; null where CSV has an empty field. */
export type Passenger = Record<string, string | number | boolean | null>

const NAMES = ['age', 'fare', 'port', 'boarded', 'isChild', 'survived', 'price', 'hasCabin', 'hasLuggage']

/** Passengers with holes, the same each time: what is to be learnt of them follows from age, fare and port. */
export function passengers(count: number, seed: number): Passenger[] {
  const random = createRandom(seed, 'passengers')
  return Array.from({ length: count }, () => {
    const age = Math.round(random.uniform() * 800) / 10
    const fare = Math.round(random.uniform() * 10_000) / 100
    const port = ['Cork, Ireland', 'São Paulo', 'Bergen'][random.integer(3)] ?? ''
    const day = 1 + random.integer(28)
    return {
      age: random.uniform() < 0.1 ? null : age,
      fare,
      port: random.uniform() < 0.1 ? null : port,
      boarded: `1912-04-${String(day).padStart(2, '0')}`,
      isChild: age < 14,
      survived: fare > 50 === (port === 'Bergen') ? 'died' : 'lived',
      price: Math.round(3 * fare - age),
      hasCabin: fare > 60,
      hasLuggage: age > 30,
    }
  })
}

/** CSV of some columns. */
export function toCsv(rows: readonly Passenger[], names: readonly string[] = NAMES): string {
  const field = (value: Passenger[string] = null) =>
    typeof value === 'string' ? `"${value.replaceAll('"', '""')}"` : String(value ?? '')
  return `${[names.join(','), ...rows.map(row => names.map(name => field(row[name])).join(','))].join('\n')}\n`
}

/** Columns that are learnt from. */
export const FEATURES = ['age', 'fare', 'port', 'boarded', 'isChild'] as const

/** Uploads passengers with a part for testing. @returns the dataset's id */
export async function uploadPassengers(
  service: TestService,
  targets: readonly string[],
  options: { name?: string; task?: string } & {
    [Split in 'train' | 'validation' | 'test']?: readonly Passenger[]
  } = {},
): Promise<string> {
  const columns = [...FEATURES, ...targets]
  const form = new FormData()
  form.set('name', options.name ?? `passengers ${targets.join(' and ')}`)
  form.set('target', JSON.stringify(targets))
  if (options.task) form.set('task', options.task)
  form.set('train', new Blob([toCsv(options.train ?? passengers(300, 1), columns)]), 'train.csv')
  if (options.validation) {
    form.set('validation', new Blob([toCsv(options.validation, columns)]), 'validation.csv')
  }
  form.set('test', new Blob([toCsv(options.test ?? passengers(60, 2), columns)]), 'test.csv')
  return (await service.json('/v1/datasets', { method: 'POST', body: form })).id
}

/** Trains a model on passengers. @returns the job when it has succeeded */
export async function trainOnPassengers(
  service: TestService,
  datasetId: string,
  name: string,
  output: { units: number; activation: string },
  more: object = {},
): Promise<Json> {
  const id = await service.submit(datasetId, {
    name,
    network: {
      layers: [
        { type: 'dense', units: 16, activation: 'relu' },
        { type: 'dense', ...output },
      ],
    },
    training: { epochs: 15, batchSize: 20, seed: 1 },
    ...more,
  })
  const job = await service.untilJob(id, ({ finishedAt }) => finishedAt !== null)
  if (job.status !== 'succeeded') throw new Error(`the job is ${job.status}: ${JSON.stringify(job.error)}`)
  return job
}
