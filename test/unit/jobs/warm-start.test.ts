import { describe, expect, it } from 'vitest'
import type { Column } from '../../../src/datasets/columns.ts'
import type { DatasetContent, StoredSplit } from '../../../src/datasets/content.ts'
import { type JobSpec, resolveSpec } from '../../../src/jobs/resolve-spec.ts'
import type { JobRequest } from '../../../src/jobs/schemas.ts'
import type { BaseVersion } from '../../../src/jobs/warm-start.ts'
import { countParameters, resolveNetwork } from '../../../src/mlp/network.ts'
import type { LayerRequests } from '../../helpers/small-network.ts'

const split = (examples: number): StoredSplit => ({
  examples,
  classCounts: {},
  features: 'a'.repeat(64),
  labels: 'b'.repeat(64),
})

const IMAGES: DatasetContent = {
  shape: [2, 3, 1],
  dtype: 'uint8',
  kind: 'image',
  columns: null,
  task: 'classification',
  targets: [],
  classes: ['a', 'b', 'c'],
  splits: { train: split(100), test: split(20) },
}

const dense = (units: number, activation: 'relu' | 'softmax' | 'linear' = 'relu', more: object = {}) => ({
  type: 'dense' as const,
  units,
  activation,
  ...more,
})

const LAYERS: LayerRequests = [dense(5), { type: 'batchNormalization' }, dense(4), dense(3, 'softmax')]

function baseOf(layers = LAYERS, change: Partial<BaseVersion['manifest']> = {}): BaseVersion {
  const network = resolveNetwork({ layers })
  const manifest: BaseVersion['manifest'] = {
    format: 'trainyard-model/1',
    kind: 'classification',
    jobId: 'job_1',
    dataset: { id: 'ds_1', sha256: 'c'.repeat(64) },
    input: { shape: [2, 3, 1], dtype: 'uint8' },
    preprocessing: { scale: 0.25 },
    classes: ['a', 'b', 'c'],
    network,
    loss: null,
    training: {},
    parameterCount: countParameters(network, 6),
    metrics: {},
    engine: null,
    weights: [],
    files: {},
    ...change,
  }
  return { name: 'letters', version: 3, sha256: 'd'.repeat(64), manifest }
}

interface Case {
  layers?: LayerRequests
  take?: 'all' | 'matching'
  base?: BaseVersion
  dataset?: DatasetContent
  more?: Partial<JobRequest>
}

function resolve({ layers, take, base = baseOf(), dataset = IMAGES, more = {} }: Case) {
  const request: JobRequest = {
    datasetId: 'ds_2',
    ...(layers && { network: { layers } }),
    baseModel: { name: 'letters', version: 3, ...(take && { layers: take }) },
    ...more,
  }
  return resolveSpec(request, dataset, { trainerBytesMax: 1e12, residentBytesMax: 1e9 }, 1, base)
}

function planned(request: Case): JobSpec {
  const spec = resolve(request)
  if ('errors' in spec) throw new Error(JSON.stringify(spec.errors))
  return spec
}

function errorsOf(request: Case): [pointer: string | undefined, detail: string][] {
  const spec = resolve(request)
  return 'errors' in spec ? spec.errors.map(({ pointer, detail }) => [pointer, detail]) : []
}

describe('a job with a base model', () => {
  it('takes its network, its preprocessing and all of its layers when nothing else is said', () => {
    const { network, preprocessing, baseModel, parameterCount, trainableParameterCount } = planned({})
    expect(network).toEqual(baseOf().manifest.network)
    expect(preprocessing).toEqual({ scale: 0.25 })
    expect(baseModel).toEqual({
      name: 'letters',
      version: 3,
      sha256: 'd'.repeat(64),
      layers: 'all',
      takenLayers: ['dense_1', 'batchNormalization_2', 'dense_3', 'dense_4'].map(layer => ({
        layer,
        from: layer,
      })),
      newLayers: [],
      keptPreprocessing: true,
    })
    expect(parameterCount - trainableParameterCount).toBe(10) // the moving means and variances
  })

  it('takes layers with weights in their order, whatever stands between them', () => {
    const layers: LayerRequests = [
      dense(5, 'linear'),
      { type: 'activation', activation: 'tanh' },
      { type: 'batchNormalization', trainable: false },
      dense(4),
      { type: 'dropout', rate: 0.2 },
      dense(3, 'softmax'),
    ]
    const { baseModel, parameterCount, trainableParameterCount } = planned({ layers })
    expect(baseModel?.takenLayers).toEqual([
      { layer: 'dense_1', from: 'dense_1' },
      { layer: 'batchNormalization_3', from: 'batchNormalization_2' },
      { layer: 'dense_4', from: 'dense_3' },
      { layer: 'dense_6', from: 'dense_4' },
    ])
    expect(parameterCount - trainableParameterCount).toBe(20)
  })

  it('says of each layer that does not fit where it stands and what it must be', () => {
    const layers: LayerRequests = [dense(5), { type: 'layerNormalization' }, dense(7), dense(3, 'softmax')]
    const errors = errorsOf({ layers })
    expect(errors.map(([pointer]) => pointer)).toEqual([1, 2, 3].map(index => `/network/layers/${index}`))
    expect(errors[1]?.[1]).toContain(
      'must fit dense_3 of the base model: dense with kernel [5, 4], bias [4]; received dense with kernel [5, 7], bias [7]',
    )
  })

  it.each<[string, Case, string, RegExp]>([
    ['too few layers', { layers: [dense(5), dense(3, 'softmax')] }, '/baseModel/layers', /all 4 layers/],
    ['too many layers', { layers: [...LAYERS, dense(3, 'softmax')] }, '/network/layers/4', /no layer left/],
    [
      'classes of other names',
      { dataset: { ...IMAGES, classes: ['a', 'c', 'b'] } },
      '/baseModel',
      /"a", "c", "b"/,
    ],
    [
      'other classes and no network',
      { dataset: { ...IMAGES, classes: ['a', 'b'] }, take: 'matching' },
      '/baseModel',
      /its network, which is taken, at \/network\/layers\/3\/units/,
    ],
    ['images of another size', { dataset: { ...IMAGES, shape: [2, 2, 1] } }, '/preprocessing', /2 × 3 × 1/],
    ['features of another kind', { dataset: { ...IMAGES, dtype: 'float32' } }, '/preprocessing', /uint8/],
    [
      'another input size with a preprocessing of its own',
      { dataset: { ...IMAGES, shape: [2, 2, 1] }, more: { preprocessing: {} }, layers: LAYERS },
      '/network/layers/0',
      /kernel \[6, 5\]/,
    ],
    [
      'no layer that fits',
      { layers: [dense(9), dense(3, 'softmax')], take: 'matching' },
      '/baseModel',
      /at least one layer/,
    ],
    [
      'a frozen layer that is new',
      {
        layers: [
          dense(5),
          { type: 'batchNormalization' },
          dense(9, 'relu', { trainable: false }),
          dense(3, 'softmax'),
        ] as LayerRequests,
        take: 'matching',
      },
      '/network/layers/2/trainable',
      /frozen/,
    ],
    [
      'nothing to train',
      { layers: LAYERS.map(layer => ({ ...layer, trainable: false })) as LayerRequests },
      '/network/layers',
      /trained/,
    ],
  ])('is refused for %s', (_, request, pointer, detail) => {
    const errors = errorsOf(request)
    expect(errors.map(([at]) => at)).toContain(pointer)
    expect(errors.find(([at]) => at === pointer)?.[1]).toMatch(detail)
  })

  it('initialises anew what does not match, and the last layer where the classes are others', () => {
    const other = { ...IMAGES, classes: ['x', 'y', 'z'] }
    const wider = planned({
      layers: [...LAYERS.slice(0, 2), dense(6), dense(3, 'softmax')],
      take: 'matching',
    })
    expect(wider.baseModel?.newLayers).toEqual(['dense_3', 'dense_4'])
    const same = planned({ take: 'matching', dataset: other })
    expect(same.baseModel?.newLayers).toEqual(['dense_4'])
    const more = planned({
      take: 'matching',
      dataset: { ...other, classes: ['x', 'y', 'z', 'u'] },
      layers: [
        ...LAYERS.slice(0, 3),
        dense(4, 'linear'),
        { type: 'batchNormalization' },
        { type: 'activation', activation: 'softmax' },
      ],
    })
    expect(more.baseModel?.newLayers).toEqual(['dense_4', 'batchNormalization_5'])
  })

  it('learns its own figures when a preprocessing is given', () => {
    const { baseModel, preprocessing } = planned({ more: { preprocessing: { scale: 1 } } })
    expect(preprocessing).toEqual({ scale: 1 })
    expect(baseModel?.keptPreprocessing).toBe(false)
  })

  describe('of a table', () => {
    const column = (name: string, type: 'numeric' | 'boolean' = 'numeric'): Column => ({
      name,
      type,
      missing: 0,
      isConstant: false,
    })
    const places: Column = {
      name: 'place',
      type: 'categorical',
      missing: 0,
      isConstant: false,
      categories: ['Bonn', 'Rome'],
      counts: [5, 5],
    }
    const numbers = { fill: 0, indicator: false, clip: null, log1p: false, center: 3, spread: 2 }
    const kinds = {
      encode: 'oneHot' as const,
      categories: ['Rome', 'Bonn'],
      rare: false,
      indicator: false,
      fill: null,
    }
    const base = baseOf([dense(3, 'softmax')], {
      input: { shape: [3], dtype: 'float64', columns: [column('age'), places, column('unused')] },
      preprocessing: { columns: { age: numbers, place: kinds, unused: null } },
    })
    const table = (columns: Column[]): DatasetContent => ({
      ...IMAGES,
      kind: 'table',
      dtype: 'float64',
      shape: [columns.length],
      columns,
    })

    it('keeps the figures, leaves new columns out and takes new categories for unknown ones', () => {
      const dataset = table([
        column('age'),
        column('constructor'),
        { ...places, categories: ['Oslo', 'Rome'] },
      ])
      const { preprocessing, baseModel, parameterCount } = planned({ base, dataset })
      expect(preprocessing).toEqual({ columns: { age: numbers, constructor: null, place: kinds } })
      expect(baseModel?.takenLayers).toHaveLength(1)
      expect(parameterCount).toBe((4 + 1) * 3) // age, Rome, Bonn, missing
    })

    it.each<[string, Column[], RegExp]>([
      ['a missing column', [column('age')], /place as categorical, which is missing/],
      ['a column of another type', [column('age', 'boolean'), places], /age as numeric, which is boolean/],
      ['another order', [places, column('age')], /in the order age, place/],
    ])('is refused for %s', (_, columns, detail) => {
      const [[pointer, message] = []] = errorsOf({ base, dataset: table(columns) })
      expect(pointer).toBe('/preprocessing')
      expect(message).toMatch(detail)
    })
  })
})
