import { expect, it } from 'vitest'
import { startTestService } from '../helpers/service.ts'

it('a submitted job is trained, evaluated and registered as a model that predicts', async () => {
  const service = await startTestService()
  await service.startWorker()
  const datasetId = await service.uploadStripes()
  const id = await service.submit(datasetId, {
    training: { epochs: 8, batchSize: 8, seed: 1, optimizer: { type: 'adam', learningRate: 0.02 } },
  })
  const job = await service.untilJob(id, ({ finishedAt }) => finishedAt !== null)
  expect(job).toMatchObject({
    status: 'succeeded',
    modelVersion: 1,
    error: null,
    attempt: 1,
    queuePosition: null,
  })
  expect(job.metrics.last.valAccuracy).toBeGreaterThan(0.9)
  const { data: epochs } = await service.json(`/v1/jobs/${id}/epochs`)
  expect(epochs.map((row: { epoch: number }) => row.epoch)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  const evaluation = await service.json(`/v1/jobs/${id}/evaluation`)
  expect(evaluation).toMatchObject({ split: 'test', examples: 30 })
  const image = await (
    await service.request(`/v1/datasets/${datasetId}/examples/1/image.png?split=test`)
  ).arrayBuffer()
  const answer = await service.json('/v1/models/stripes/predict', {
    method: 'POST',
    headers: { 'content-type': 'image/png' },
    body: image,
  })
  expect(answer).toMatchObject({ model: { name: 'stripes', version: 1 }, predictions: [{ label: '1' }] })
})
