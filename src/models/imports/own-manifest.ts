import { createHash } from 'node:crypto'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { featureCount } from '../../datasets/content.ts'
import { isModelVariable } from '../../mlp/graph.ts'
import { countOutputUnits, listVariables, NetworkSchema, resolveNetwork } from '../../mlp/network.ts'
import { DatetimePartSchema } from '../../preprocessing/columns/column-request.ts'
import { createEncoder } from '../../preprocessing/encoder.ts'
import { sizeOf } from '../exports/exported-model.ts'
import { type Manifest, parseManifest } from '../manifest.ts'
import { FEATURES_MAX } from './limits.ts'
import { refuse } from './refuse.ts'
import { takeNumbers } from './tfjs/read-weights.ts'

/** What an export of ours says of its model beyond the layers, checked as what comes from outside. */
export interface OwnManifest
  extends Pick<
    Manifest,
    'kind' | 'input' | 'preprocessing' | 'classes' | 'targets' | 'network' | 'calibration'
  > {
  weights: ReadonlyMap<string, Float32Array>
}

/** Whether a file beside a model is a manifest of ours; others have files of that name too. */
export function isOwnManifest(bytes: Buffer): boolean {
  return bytes.includes('"trainyard-model/1"')
}

/**
 * Reads the manifest of an export, if its files are those that it was written with.
 * @throws {AppError} MODEL_FILE_INVALID
 */
export function readOwnManifest(bytes: Buffer, files: ReadonlyMap<string, Buffer>): OwnManifest {
  const manifest = parse(bytes)
  for (const name of ['model.json', 'weights.bin'] as const) {
    const content = files.get(name)
    if (!content || hashOf(content) !== manifest.files[name]) {
      throw refuse(
        `${name} must be the file that manifest.json was written with; without manifest.json it need not be`,
      )
    }
  }
  const { kind, input, preprocessing, classes, targets, calibration } = manifest
  const network = resolveNetwork(manifest.network)
  assertPreprocessing(manifest)
  const { inputUnits } = createEncoder(preprocessing, input.columns ?? null, input.shape)
  const units = countOutputUnits(network, inputUnits)
  const weights = readWeights(manifest, inputUnits, files.get('weights.bin') ?? Buffer.alloc(0))
  assertOutputs(manifest, units)
  const figures = preprocessing.target?.length ?? 0
  if (figures !== 0 && (kind !== 'regression' || figures !== units)) {
    throw refuse(`manifest.json must scale each target, of which there are ${units}; it scales ${figures}`)
  }
  return {
    kind,
    input,
    preprocessing,
    classes,
    network,
    weights,
    ...(targets && { targets }),
    ...(calibration && { calibration }),
  }
}

function parse(bytes: Buffer): Manifest {
  try {
    const manifest = parseManifest(bytes.toString('utf8'))
    if (Value.Check(NetworkSchema, manifest.network)) return manifest
  } catch (cause) {
    throw refuse(`manifest.json must be one of Trainyard: ${cause instanceof Error ? cause.message : cause}`)
  }
  throw refuse('manifest.json must describe a network that this release knows')
}

function hashOf(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}

const Finite = Type.Number()
const Spread = Type.Union([Type.Number({ exclusiveMinimum: 0 }), Type.Number({ exclusiveMaximum: 0 })])
const Categories = Type.Array(Type.String(), { minItems: 1, maxItems: 10_000 })

/** The figures of one column, which the manifest's own schema leaves open. */
const FittedColumnSchema = Type.Union([
  Type.Object({
    fill: Finite,
    indicator: Type.Boolean(),
    clip: Type.Union([Type.Tuple([Finite, Finite]), Type.Null()]),
    log1p: Type.Boolean(),
    center: Finite,
    spread: Spread,
  }),
  Type.Object({
    parts: Type.Array(DatetimePartSchema),
    elapsed: Type.Boolean(),
    fill: Finite,
    indicator: Type.Boolean(),
    center: Finite,
    spread: Spread,
  }),
  Type.Object({
    encode: Type.Enum(['oneHot', 'ordinal'] as const),
    categories: Categories,
    rare: Type.Boolean(),
    indicator: Type.Boolean(),
    fill: Type.Union([Type.String(), Type.Null()]),
  }),
  Type.Object({ fill: Finite, indicator: Type.Boolean() }, { additionalProperties: false }),
])

const FittedImageSchema = Type.Object({
  fit: Type.Enum(['fill', 'contain', 'cover'] as const),
  invert: Type.Boolean(),
  centerOfMass: Type.Boolean(),
})

/** The kind of figures that each type of column has. */
const KEY_OF_TYPE: Readonly<Record<string, string>> = {
  numeric: 'log1p',
  datetime: 'parts',
  categorical: 'categories',
  boolean: 'fill',
}

function assertPreprocessing({ preprocessing, input: { shape, columns = null } }: Manifest): void {
  const features = featureCount(shape)
  if (!(features >= 1 && features <= FEATURES_MAX) || shape.some(length => length < 1)) {
    throw refuse(`manifest.json must have examples of 1 to ${FEATURES_MAX} features`)
  }
  const image = 'image' in preprocessing ? preprocessing.image : undefined
  if (image !== undefined && (!Value.Check(FittedImageSchema, image) || shape.length !== 3)) {
    throw refuse('manifest.json must prepare images as Trainyard does')
  }
  if ('centers' in preprocessing) {
    const { centers, spreads } = preprocessing
    if (centers.length !== features || spreads.length !== features || spreads.includes(0)) {
      throw refuse(`manifest.json must have a center and a spread for each of the ${features} features`)
    }
  }
  if ('columns' in preprocessing) {
    const wrong = Object.entries(preprocessing.columns).find(([name, fitted]) => {
      const type = columns?.find(column => column.name === name)?.type ?? ''
      return (
        fitted !== null && !(Value.Check(FittedColumnSchema, fitted) && (KEY_OF_TYPE[type] ?? '?') in fitted)
      )
    })
    if (wrong) throw refuse(`manifest.json must have the figures of the column ${JSON.stringify(wrong[0])}`)
    if (columns?.length !== features) throw refuse('manifest.json must have a column for each feature')
  } else if (columns !== null) throw refuse('manifest.json must prepare its columns')
}

/** What the outputs are said to be must fit their number: it is counted with later, and not looked at again. */
function assertOutputs({ kind, classes, targets, calibration }: Manifest, units: number): void {
  const wanted = {
    classification: units === 1 ? 2 : units, // a sigmoid unit tells of two
    multiLabel: units,
    regression: 0,
  }[kind]
  if (classes.length !== wanted || (kind === 'classification' && classes.length < 2)) {
    throw refuse(`manifest.json must have ${wanted} classes for ${units} outputs; it has ${classes.length}`)
  }
  if (kind === 'regression' && targets?.length && targets.length !== units) {
    throw refuse(`manifest.json must name each of the ${units} outputs; it names ${targets.length}`)
  }
  if (calibration && kind !== 'classification') {
    throw refuse('manifest.json must have a calibration with a classification only')
  }
}

function readWeights(
  { network, weights: described }: Manifest,
  inputUnits: number,
  bytes: Buffer,
): ReadonlyMap<string, Float32Array> {
  const variables = listVariables(resolveNetwork(network), inputUnits).filter(isModelVariable)
  const wanted = variables.map(({ name, shape }) => ({ name, shape: [...shape] }))
  if (JSON.stringify(described) !== JSON.stringify(wanted)) {
    throw refuse('manifest.json must name the weights of its network in their order')
  }
  const numbers = wanted.reduce((sum, { shape }) => sum + sizeOf(shape), 0)
  if (bytes.length !== numbers * 4)
    throw refuse(`weights.bin must have ${numbers * 4} bytes; received ${bytes.length}`)
  let offset = 0
  return new Map(
    wanted.map(({ name, shape }) => {
      const values = takeNumbers(bytes, offset, sizeOf(shape))
      offset += values.byteLength
      return [name, values]
    }),
  )
}
