import { expect } from 'vitest'
import type { Column } from '../../src/datasets/columns.ts'
import { createPredictor, type Predictor } from '../../src/inference/predictor.ts'
import { ACTIVATIONS, type ActivationName } from '../../src/mlp/activations/registry.ts'
import { resolveLoss } from '../../src/mlp/losses/registry.ts'
import { countOutputUnits, countParameters, resolveNetwork } from '../../src/mlp/network.ts'
import { buildInferenceProgram } from '../../src/mlp/program.ts'
import { createRandom } from '../../src/mlp/random.ts'
import type { ExportedModel } from '../../src/models/exports/exported-model.ts'
import type { Manifest } from '../../src/models/manifest.ts'
import { createEncoder } from '../../src/preprocessing/encoder.ts'
import { fitPreprocessing } from '../../src/preprocessing/fit.ts'
import type { FittedPreprocessing } from '../../src/preprocessing/preprocessing.ts'
import { resolvePreprocessing } from '../../src/preprocessing/resolve.ts'
import type { LayerRequests } from './small-network.ts'

/** A model that is to be exported, examples for it in the data's own units, and what the service answers. */
export interface ExportCase {
  model: ExportedModel
  predictor: Predictor
  count: number
  /** `[count, features]`. */
  features: Float32Array | Float64Array
  /** `[count, outputs]`. */
  answers: Float32Array
}

/** Examples of each case. */
export const COUNT = 200

/** What a case is made of; the rest is chosen for it. */
interface CaseParts {
  layers: LayerRequests
  kind?: Manifest['kind']
  shape?: number[]
  preprocessing?: FittedPreprocessing
  columns?: Column[]
  dtype?: Manifest['input']['dtype']
  features?: Float64Array
}

/** Makes a model with random weights. */
export function createCase(parts: CaseParts): ExportCase {
  const { layers, kind = 'classification', shape = [4, 3], dtype = 'uint8', columns = null } = parts
  const { preprocessing = { scale: 1 / 255 } } = parts
  const { inputUnits, scaling } = createEncoder(preprocessing, columns, shape)
  const network = resolveNetwork({ layers })
  const program = buildInferenceProgram({ inputUnits, inputScaling: scaling, network })
  const random = createRandom(3, 'weights')
  const weights = new Map(
    program.variables.map(({ name, shape }) => {
      const length = shape.reduce((product, dimension) => product * dimension, 1)
      const draw = () => (name.endsWith('variance') ? 0.5 + random.uniform() : random.normal() * 0.5)
      return [name, Float32Array.from({ length }, draw)]
    }),
  )
  const units = countOutputUnits(network, inputUnits)
  const classes =
    kind === 'regression' ? [] : Array.from({ length: Math.max(2, units) }, (_, i) => `class ${i}`)
  const manifest: Manifest = {
    format: 'trainyard-model/1',
    kind,
    jobId: 'job_1',
    dataset: { id: 'ds_1', sha256: 'f'.repeat(64) },
    input: { shape, dtype, ...(columns && { columns }) },
    preprocessing,
    classes,
    targets: kind === 'regression' ? Array.from({ length: units }, (_, i) => `target ${i}`) : [],
    network,
    loss: resolveLoss('meanSquaredError'),
    training: { seed: 3 },
    parameterCount: countParameters(network, inputUnits),
    metrics: {},
    engine: { name: 'portable', device: 'cpu', versions: {} },
    weights: program.variables.map(({ name, shape }) => ({ name, shape: [...shape] })),
    files: {},
  }
  const size = shape.reduce((product, length) => product * length, 1)
  const features =
    parts.features ??
    Float32Array.from({ length: COUNT * size }, () =>
      dtype === 'uint8' ? random.integer(256) : random.normal() * 3 + 1,
    )
  const predictor = createPredictor({ manifest, weights })
  const count = features.length / size
  const manifestText = JSON.stringify(manifest, null, 2)
  return {
    model: { name: 'stripes', version: 3, manifest, weights, manifestText, createdAt: new Date(0) },
    predictor,
    count,
    features,
    answers: predictor.predict(features, count),
  }
}

/**
 * What is promised of every export: probabilities equal to 1e-5, the same best class for every example.
 * @param answers - `[count, outputs]`, as the runtime of the format gives them
 */
export function expectSameAnswers({ answers: ours, count }: ExportCase, answers: ArrayLike<number>): void {
  expect(answers.length).toBe(ours.length)
  const width = ours.length / count
  const best = (row: ArrayLike<number>, from: number) => {
    let place = 0
    for (let i = 1; i < width; i++) if (Number(row[from + i]) > Number(row[from + place])) place = i
    return place
  }
  let [difference, wrong] = [0, 0]
  for (let index = 0; index < ours.length; index++) {
    const size = Math.max(1, Math.abs(Number(ours[index]))) // numbers of a regression may be large
    difference = Math.max(difference, Math.abs(Number(answers[index]) - Number(ours[index])) / size || 0)
    if (Number.isNaN(answers[index])) difference = Number.POSITIVE_INFINITY
  }
  for (let from = 0; from < ours.length; from += width) if (best(ours, from) !== best(answers, from)) wrong++
  expect(difference).toBeLessThanOrEqual(1e-5)
  expect(wrong, 'examples with another best class').toBe(0)
  expect(new Set(Array.from(answers, number => number.toFixed(4))).size).toBeGreaterThan(count / 10)
}

const dense = (units: number, activation: ActivationName) => ({ type: 'dense' as const, units, activation })
const SOFTMAX = dense(3, 'softmax')
const NAMES = Object.keys(ACTIVATIONS) as ActivationName[]

/** Every layer with each of its options, and every activation in every place. */
const NETWORKS: Record<string, LayerRequests> = {
  ...Object.fromEntries(NAMES.map(name => [`${name} inside`, [dense(7, name), SOFTMAX]])),
  ...Object.fromEntries(NAMES.map(name => [`${name} at the end`, [dense(7, 'tanh'), dense(3, name)]])),
  ...Object.fromEntries(
    NAMES.map(name => [
      `${name} alone`,
      [dense(7, 'linear'), { type: 'activation' as const, activation: name }],
    ]),
  ),
  'a dense layer without bias': [{ ...dense(7, 'leakyRelu'), useBias: false }, SOFTMAX],
  dropout: [dense(7, 'tanh'), { type: 'dropout', rate: 0.4 }, SOFTMAX],
  'dropout of the input': [{ type: 'dropout', rate: 0.4 }, SOFTMAX],
  batchNormalization: [dense(7, 'tanh'), { type: 'batchNormalization', epsilon: 0.1 }, SOFTMAX],
  'batchNormalization of the input': [{ type: 'batchNormalization' }, SOFTMAX],
  'batchNormalization without scale': [
    dense(7, 'tanh'),
    { type: 'batchNormalization', scale: false },
    SOFTMAX,
  ],
  'batchNormalization without center': [
    dense(7, 'tanh'),
    { type: 'batchNormalization', center: false },
    SOFTMAX,
  ],
  'batchNormalization without either': [
    dense(7, 'tanh'),
    { type: 'batchNormalization', scale: false, center: false },
    SOFTMAX,
  ],
  layerNormalization: [dense(7, 'tanh'), { type: 'layerNormalization', epsilon: 0.1 }, SOFTMAX],
  'layerNormalization without scale': [
    dense(7, 'tanh'),
    { type: 'layerNormalization', scale: false },
    SOFTMAX,
  ],
  'layerNormalization without center': [
    dense(7, 'tanh'),
    { type: 'layerNormalization', center: false },
    SOFTMAX,
  ],
  'initialisers and penalties': [
    {
      ...dense(7, 'tanh'),
      kernelInitializer: 'orthogonal',
      kernelRegularizer: { l2: 0.1 },
      biasInitializer: { type: 'constant', value: 1 },
    },
    SOFTMAX,
  ],
  'all kinds of layers': [
    { ...dense(8, 'linear'), useBias: false },
    { type: 'batchNormalization' },
    { type: 'activation', activation: 'silu' },
    { type: 'dropout', rate: 0.5 },
    dense(6, 'leakyRelu'),
    { type: 'layerNormalization' },
    SOFTMAX,
  ],
}

const SMALL: LayerRequests = [dense(7, 'tanh'), SOFTMAX]
const PLAIN = { fit: 'fill', invert: false, centerOfMass: false } as const
const figures = (count: number) => ({
  centers: Array.from({ length: count }, (_, i) => 100 + i),
  spreads: Array.from({ length: count }, (_, i) => 40 + i),
})

/** Every network, every task, and every preprocessing of numbers. */
export const ARRAY_CASES: Record<string, CaseParts> = {
  ...Object.fromEntries(Object.entries(NETWORKS).map(([name, layers]) => [name, { layers }])),
  'one sigmoid unit for two classes': { layers: [dense(7, 'tanh'), dense(1, 'sigmoid')] },
  'features with spreads below zero, and smaller than a library may take for one': {
    layers: [dense(7, 'tanh'), dense(3, 'softmax')],
    dtype: 'float32',
    features: Float64Array.from({ length: 24 }, (_, i) => (i % 12 < 6 ? Math.sin(i) : Math.sin(i) * 1e-9)),
    preprocessing: {
      centers: Array.from({ length: 12 }, (_, i) => (i < 6 ? 0.5 : 5e-10)),
      spreads: Array.from({ length: 12 }, (_, i) => (i < 6 ? -2 : 1e-9)),
    },
  },
  'several labels': { layers: [dense(7, 'tanh'), dense(3, 'sigmoid')], kind: 'multiLabel' },
  'a regression in units of its own': {
    layers: [dense(7, 'tanh'), dense(2, 'linear')],
    kind: 'regression',
    preprocessing: {
      scale: 1 / 255,
      target: [
        { center: 300, spread: 50 },
        { center: -2, spread: 0.5 },
      ],
    },
  },
  'numbers as they are': { layers: SMALL, shape: [12], dtype: 'float32', preprocessing: { scale: 1 } },
  'scale and offset': { layers: SMALL, preprocessing: { scale: 1 / 127.5, offset: -1 } },
  'every feature by itself': { layers: SMALL, preprocessing: figures(12) },
  'every feature of an image by itself, inverted': {
    layers: SMALL,
    shape: [5, 4, 1],
    preprocessing: { ...figures(20), image: { ...PLAIN, invert: true } },
  },
  'inverted images in colour': {
    layers: SMALL,
    shape: [4, 3, 3],
    preprocessing: { scale: 1 / 255, offset: -0.5, image: { ...PLAIN, invert: true } },
  },
}

/** Images that are moved to their center of mass. */
export const CENTERED_CASES: Record<string, CaseParts> = {
  'centered images': {
    layers: SMALL,
    shape: [8, 6, 1],
    preprocessing: { scale: 1 / 255, image: { ...PLAIN, centerOfMass: true } },
    features: spots(8, 6, 1),
  },
  'centered images in colour, inverted, every feature by itself': {
    layers: SMALL,
    shape: [6, 8, 3],
    preprocessing: { ...figures(144), image: { ...PLAIN, invert: true, centerOfMass: true } },
    features: spots(6, 8, 3).map(pixel => 255 - pixel),
  },
}

/** Bright spots anywhere on black; the first image has none. */
function spots(height: number, width: number, channels: number): Float64Array {
  const random = createRandom(7, 'spots')
  const size = height * width * channels
  const images = new Float64Array(COUNT * size)
  for (let image = 1; image < COUNT; image++) {
    for (let spot = 0; spot < 3; spot++) images[image * size + random.integer(size)] = random.integer(256)
  }
  return images
}

const about = { missing: 10, isConstant: false }

/** One column of each type, and the same again for other options. */
export const COLUMNS: Column[] = [
  { name: 'area', type: 'numeric', ...about },
  { name: 'income, in €', type: 'numeric', ...about },
  { name: 'probabilities', type: 'numeric', ...about, missing: 0 },
  { name: 'has garden', type: 'boolean', ...about },
  {
    name: 'city',
    type: 'categorical',
    categories: ['Bern', 'Köln', 'Oslo', 'Rom'],
    counts: [90, 60, 40, 9],
    ...about,
  },
  { name: 'district', type: 'categorical', categories: ['a', 'b', 'c'], counts: [9, 90, 100], ...about },
  { name: 'size', type: 'categorical', categories: ['L', 'M', 'S'], counts: [60, 70, 60], ...about },
  { name: 'sold at', type: 'datetime', hasTime: true, ...about },
  { name: 'street', type: 'id', ...about },
]

/** Rows of cells as datasets store them, some missing; −1 is a category that no row of the training had. */
function cells(): Float64Array {
  const random = createRandom(11, 'cells')
  const all = new Float64Array(COUNT * COLUMNS.length)
  for (let row = 0; row < COUNT; row++) {
    COLUMNS.forEach((column, place) => {
      const drawn = {
        numeric: () => random.normal() * 1000,
        boolean: () => random.integer(2),
        categorical: () => random.integer(5) - 1,
        datetime: () => random.integer(4_000_000) * 1_000_000 - 2e12,
        id: () => row,
        text: () => row,
      }[column.type]()
      const known = column.type === 'categorical' ? Math.min(drawn, column.categories.length - 1) : drawn
      const isMissing = column.missing > 0 && random.uniform() < 0.1
      all[row * COLUMNS.length + place] = isMissing ? Number.NaN : known
    })
  }
  return all
}

/** A table with every type of column and every option of its preprocessing. */
export function createTableCase(kind: Manifest['kind'] = 'classification'): ExportCase {
  const features = cells()
  const request = {
    columns: {
      area: { clip: [0.05, 0.95] as [number, number], impute: 'mean' as const },
      'income, in €': { log1p: true, scale: 'minMax' as const },
      city: { rareBelow: 50 },
      district: { impute: 'mostFrequent' as const, rareBelow: 50 },
      size: { encode: 'ordinal' as const, categories: ['S', 'M', 'L'] },
      'sold at': {
        parts: [
          'month' as const,
          'dayOfMonth' as const,
          'dayOfWeek' as const,
          'hour' as const,
          'minute' as const,
        ],
      },
    },
  }
  const content = { kind: 'table' as const, columns: COLUMNS, dtype: 'float64' as const, task: kind }
  const resolved = resolvePreprocessing(request, content)
  if ('errors' in resolved) throw new Error(JSON.stringify(resolved.errors))
  const preprocessing = fitPreprocessing(resolved, {
    columns: COLUMNS,
    count: COUNT,
    features: COLUMNS.length,
    readFeature: feature =>
      Float64Array.from({ length: COUNT }, (_, row) => features[row * COLUMNS.length + feature] ?? 0).map(
        // What is learnt from is never unknown.
        cell => (COLUMNS[feature]?.type === 'categorical' && cell === -1 ? 0 : cell),
      ),
    targets: kind === 'regression' ? Float32Array.from({ length: COUNT }, (_, row) => 1000 + 7 * row) : null,
  })
  return createCase({
    kind,
    layers: [dense(9, 'tanh'), kind === 'regression' ? dense(1, 'linear') : dense(3, 'softmax')],
    shape: [COLUMNS.length],
    dtype: 'float64',
    columns: COLUMNS,
    preprocessing,
    features,
  })
}

/** A column of the table as texts: categories, an empty one where it is missing, and another where it is unknown. */
export function textsOf({ features }: ExportCase, place: number): string[] {
  const column = COLUMNS[place]
  const categories = column?.type === 'categorical' ? column.categories : []
  return Array.from({ length: COUNT }, (_, row) => {
    const cell = features[row * COLUMNS.length + place] ?? Number.NaN
    return Number.isNaN(cell) ? '' : (categories[cell] ?? 'elsewhere')
  })
}
