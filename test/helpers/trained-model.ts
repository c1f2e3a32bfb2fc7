import type { Json, TestService } from './service.ts'

/** How well a tiny network of the stripes is to be trained. */
export const GOOD = { epochs: 8, batchSize: 8, seed: 1, optimizer: { type: 'adam', learningRate: 0.02 } }

/** Hardly trained: it guesses. */
export const BAD = { epochs: 1, batchSize: 90, seed: 2, optimizer: { type: 'sgd', learningRate: 1e-6 } }

/** Trains the next version of the model `stripes`. @returns its number */
export async function trainVersion(
  service: TestService,
  datasetId: string,
  training: object,
): Promise<number> {
  const id = await service.submit(datasetId, { training })
  const job = await service.untilJob(id, ({ finishedAt }) => finishedAt !== null)
  if (job.status !== 'succeeded') throw new Error(`the job is ${job.status}: ${JSON.stringify(job.error)}`)
  return job.modelVersion
}

/** Sends JSON, and gives status and body of the answer, whatever they are. */
export async function send(
  service: TestService,
  method: string,
  where: string,
  body?: object,
  headers: Record<string, string> = {},
): Promise<[status: number, body: Json]> {
  const response = await service.request(where, {
    method,
    headers: { ...(body && { 'content-type': 'application/json' }), ...headers },
    ...(body && { body: JSON.stringify(body) }),
  })
  return [response.status, response.status === 204 ? {} : ((await response.json()) as Json)]
}
