import type { Json, TestService } from './service.ts'

/** A table of houses as CSV: `price` is 3 · area − age, and 50 more in Oslo; ids and times are there too. */
export function housesCsv(count: number): string {
  const rows = Array.from({ length: count }, (_, row) => {
    const area = 20 + ((row * 37) % 100)
    const age = (row * 13) % 40
    const isOslo = row % 3 === 0
    const sold = new Date(Date.UTC(2020, row % 12, 1 + (row % 28))).toISOString().slice(0, 10)
    const price = 3 * area - age + (isOslo ? 50 : 0) + 0.5 // with whole numbers it would be a class
    return [area, row % 11 === 5 ? '' : age, isOslo ? 'Oslo' : 'Bern', row % 2 === 0, sold, price].join()
  })
  return ['area,age,city,garden,sold,price', ...rows].join('\n')
}

/** Trains a model of a table that is given as CSV. @returns its name */
export async function trainTable(
  service: TestService,
  name: string,
  csv: string,
  target: string,
): Promise<string> {
  const form = new FormData()
  form.set('name', name)
  form.set('target', target)
  form.set('file', new Blob([csv]), `${name}.csv`)
  const dataset = await service.json('/v1/datasets', { method: 'POST', body: form })
  const id = await service.submit(dataset.id, {
    name,
    network: {
      layers: [
        {
          type: 'dense',
          units: dataset.classes.length || 1,
          activation: dataset.classes.length ? 'softmax' : 'linear',
        },
      ],
    },
    training: { epochs: 20, batchSize: 16, seed: 1, optimizer: { type: 'adam', learningRate: 0.05 } },
  })
  const job = await service.untilJob(id, ({ finishedAt }: Json) => finishedAt !== null)
  if (job.status !== 'succeeded') throw new Error(`the job is ${job.status}: ${JSON.stringify(job.error)}`)
  return name
}
