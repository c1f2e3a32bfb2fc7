import { decode, encode } from 'fast-png'
import pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { idxFile } from '../helpers/idx.ts'
import { releaseAfterFile } from '../helpers/release.ts'
import { type Json, startTestService, type TestService } from '../helpers/service.ts'
import { zipFile } from '../helpers/zip.ts'

const release = releaseAfterFile()
let service: TestService

beforeAll(async () => {
  service = await startTestService({ release })
})

async function upload(name: string, files: Record<string, Uint8Array | string>): Promise<Json> {
  const form = new FormData()
  form.append('name', name)
  for (const [part, file] of Object.entries(files)) form.append(part, new Blob([Buffer.from(file)]), part)
  return service.json('/v1/datasets', { method: 'POST', body: form })
}

async function get(path: string): Promise<{ status: number; body: Json }> {
  const response = await service.request(path)
  return { status: response.status, body: (await response.json()) as Json }
}

async function query(sql: string, values: unknown[] = []): Promise<Json[]> {
  const client = new pg.Client({ connectionString: service.databaseUrl })
  await client.connect()
  try {
    return (await client.query(sql, values)).rows
  } finally {
    await client.end()
  }
}

/** Three images of training, of which the third is the first one again, and one of test, which is the second. */
const LEAKING = {
  trainImages: idxFile([3, 2, 2], Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4)),
  trainLabels: idxFile([3], Uint8Array.of(0, 1, 0)),
  testImages: idxFile([1, 2, 2], Uint8Array.of(5, 6, 7, 8)),
  testLabels: idxFile([1], Uint8Array.of(1)),
}

describe('images of IDX files', () => {
  it('are told to leak by the upload itself, and counted in the figures', async () => {
    const { id, warnings } = await upload('leaking', LEAKING)
    expect(warnings).toEqual([
      'Class "0" has no example in test.',
      '1 of 1 examples of test is in train too (a leak): a score on test promises too much.',
      '1 of 3 examples of train are copies of earlier ones.',
    ])
    const { status, body } = await get(`/v1/datasets/${id}/statistics`)
    expect(status).toBe(200)
    expect(body).toEqual({
      splits: {
        train: expect.objectContaining({ examples: 3, classCounts: { 0: 2, 1: 1 }, min: 1, max: 8 }),
        test: expect.objectContaining({ examples: 1, mean: 6.5 }),
      },
      duplicates: {
        sampledShare: 1,
        splits: { train: { repeated: 1, contradictory: 0 }, test: { repeated: 0, contradictory: 0 } },
        shared: [{ split: 'test', with: 'train', examples: 1 }],
      },
      quartilesFrom: null,
      columns: null,
      targets: [],
      features: {
        mean: [7 / 3, 10 / 3, 13 / 3, 16 / 3],
        constant: 0,
        constantShare: 0,
        histogram: { from: 0, to: 255, counts: expect.any(Array) },
      },
      warnings,
    })
    expect(body.features.histogram.counts.slice(0, 9)).toEqual([0, 2, 2, 2, 2, 1, 1, 1, 1])
  })

  it('are looked at once: later requests get what was kept, duplicates too when the upload did not count them', async () => {
    const { id } = await upload('kept', LEAKING)
    await query(`UPDATE datasets SET statistics = statistics - 'duplicates', warnings = '{}' WHERE id = $1`, [
      id,
    ])
    const answers = await Promise.all([1, 2, 3].map(() => get(`/v1/datasets/${id}/statistics`)))
    expect(answers[0]?.body.duplicates.shared[0].examples).toBe(1)
    for (const answer of answers) expect(answer).toEqual(answers[0])
    const { body } = await get(`/v1/datasets/${id}`)
    expect(body.warnings[0]).toMatch(/^1 of 1 examples of test is in train too/)
    expect(answers[0]?.body.warnings).toEqual(body.warnings)
    await query(
      `UPDATE datasets SET splits = '{}', training_look = jsonb_set(training_look, '{features,constant}', '42')
       WHERE id = $1`,
      [id],
    )
    expect((await get(`/v1/datasets/${id}/statistics`)).body.features.constant).toBe(42)
  })
})

describe('a table', () => {
  const CSV = [
    'size,city,sold,label',
    '1,Oslo,2024-01-01,a',
    '2,Oslo,2024-01-03,b',
    '3,Bern,2024-01-02,a',
    ',Bern,,b',
    '',
  ].join('\n')

  it('is described column by column', async () => {
    const { id } = await upload('houses', { file: CSV })
    const { status, body } = await get(`/v1/datasets/${id}/statistics`)
    expect(status, JSON.stringify(body)).toBe(200)
    expect(body.splits.train).toMatchObject({ examples: 4, min: null, mean: null })
    expect(body.columns).toMatchObject([
      { name: 'size', count: 3, missing: 1, mean: 2, quartiles: [1.5, 2, 2.5] },
      {
        name: 'city',
        top: [
          { value: 'Bern', count: 2 },
          { value: 'Oslo', count: 2 },
        ],
        correlations: [{ target: 'b', measure: 'cramersV', value: 0 }],
      },
      { name: 'sold', type: 'datetime', missing: 1, max: '2024-01-03', mean: '2024-01-02T00:00:00.000Z' },
    ])
    expect(body.features).toBeNull()
  })

  it('is compared with the version before, with any version, and with other datasets', async () => {
    const first = await upload('rows', { file: CSV })
    const second = await upload('rows', { file: `${CSV}4,Rome,2024-02-01,a\n` })
    const { body } = await get(`/v1/datasets/${second.id}/changes`)
    expect(body).toMatchObject({
      since: { id: first.id, version: 1 },
      dataset: { id: second.id, version: 2 },
      splits: [{ split: 'train', before: 4, after: 5 }],
      classes: { counts: [{ split: 'train', class: 'a', before: 2, after: 3 }] },
      rows: { equal: 4, added: 1, removed: 0, sampledShare: 1 },
    })
    expect((await get(`/v1/datasets/${second.id}/changes?since=1`)).body).toEqual(body)
    expect((await get(`/v1/datasets/${second.id}/changes?since=${first.id}`)).body).toEqual(body)
    expect((await get(`/v1/datasets/${first.id}/changes?since=2`)).body.rows).toMatchObject({
      equal: 4,
      added: 0,
      removed: 1,
    })
    const again = await upload('rows', { file: CSV })
    expect((await get(`/v1/datasets/${again.id}/changes?since=1`)).body).toMatchObject({
      isEqual: true,
      rows: { equal: 4, added: 0, removed: 0 },
    })
    const none = await get(`/v1/datasets/${first.id}/changes`)
    expect([none.status, none.body.code]).toEqual([404, 'DATASET_NOT_FOUND'])
    const wrong = await get(`/v1/datasets/${first.id}/changes?since=7`)
    expect([wrong.status, wrong.body.errors[0].parameter]).toEqual([422, 'since'])
  })

  it('has no picture', async () => {
    const { id } = await upload('no-picture', { file: CSV })
    const { status, body } = await get(`/v1/datasets/${id}/preview.png`)
    expect([status, body.code]).toEqual([404, 'EXAMPLE_NOT_FOUND'])
  })
})

describe('a ZIP of images', () => {
  const png = (value: number) =>
    encode({ width: 3, height: 3, channels: 3, depth: 8, data: new Uint8Array(27).fill(value) })
  const files = ['cat/1.png', 'cat/2.png', 'dog/1.png', 'dog/2.png'].map((name, index) => ({
    name,
    content: png(10 * index),
  }))

  it('is shown as a grid, the same one for the same seed, of a class when one is wanted', async () => {
    const { id } = await upload('photos', { file: zipFile(files) })
    const fetchGrid = async (search = '') => {
      const response = await service.request(`/v1/datasets/${id}/preview.png${search}`)
      expect([response.status, response.headers.get('content-type')]).toEqual([200, 'image/png'])
      return Buffer.from(await response.arrayBuffer())
    }
    const grid = await fetchGrid()
    expect(decode(grid)).toMatchObject({ width: 2 * (40 + 4 * 96 - 12) })
    expect((await fetchGrid('?seed=0')).equals(grid)).toBe(true)
    expect((await fetchGrid('?rows=1&columns=1&seed=2')).equals(grid)).toBe(false)
    const dogs = decode(await fetchGrid('?class=dog&columns=2'))
    // The middle of the first image of the class, whose bytes are all 20.
    expect(dogs.data[(2 * (44 + 42) * dogs.width + 2 * (20 + 42)) * dogs.channels]).toBe(20)
    const unknown = await get(`/v1/datasets/${id}/preview.png?class=cow`)
    expect([unknown.status, unknown.body.errors[0].parameter]).toEqual([422, 'class'])
    const large = await get(`/v1/datasets/${id}/preview.png?rows=17`)
    expect([large.status, large.body.errors[0].parameter]).toEqual([422, 'rows'])
  })
})

it('a dataset that is not ready has neither figures nor changes nor a picture', async () => {
  const { id } = await upload('unready', LEAKING)
  await query(`UPDATE datasets SET status = 'processing' WHERE id = $1`, [id])
  for (const path of ['statistics', 'changes', 'preview.png']) {
    const { status, body } = await get(`/v1/datasets/${id}/${path}`)
    expect([status, body.code], path).toEqual([409, 'DATASET_NOT_READY'])
  }
  expect((await get('/v1/datasets/ds_none/statistics')).status).toBe(404)
})
