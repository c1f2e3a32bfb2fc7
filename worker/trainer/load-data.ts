import type { DatasetContent, StoredSplit } from '../../src/datasets/content.ts'
import { countHeldOut } from '../../src/jobs/resolve-spec.ts'
import type { TrainingSpec } from '../../src/jobs/training-spec.ts'
import { areClasses, type Targets } from '../../src/mlp/task.ts'
import {
  createEncoder,
  type Encoder,
  type RawFeatures,
  scaleTargets,
} from '../../src/preprocessing/encoder.ts'
import { fitPreprocessing } from '../../src/preprocessing/fit.ts'
import { countInputs } from '../../src/preprocessing/inputs.ts'
import type { FittedPreprocessing, Preprocessing } from '../../src/preprocessing/preprocessing.ts'
import type { BlobStore } from '../../src/storage/blob-store.ts'
import type { Session } from '../engines/engine.ts'
import { type ExampleSource, loadWhole, streamBlocks } from './example-source.ts'
import { readColumn, readFittingExamples } from './fitting-examples.ts'
import { chooseHeldOut } from './hold-out.ts'
import { type Selection, select } from './selection.ts'
import { readFeatures, readTargets, rowBytes } from './stored-features.ts'

/** Which examples a training works on, and how they become inputs of its network. */
export interface PlannedData {
  train: Selection
  validation: Selection | null
  /** For the final report: the test split when there is one, else the validation examples. */
  evaluation: Selection | null
  fitted: FittedPreprocessing
  encoder: Encoder
  /** Predictions of the network in the units of the targets; changed in place. */
  inUnits(predictions: Float32Array): Float32Array
  /** Brings the splits into a session. */
  load(session: Session): Promise<TrainingData>
}

/** What a training works on. */
export interface TrainingData extends PlannedData {
  /** Brings the examples of a selection into the session. */
  sourceOf(selection: Selection): ExampleSource
}

/** What is wanted of a dataset. */
export interface DataSpec {
  dataset: DatasetContent
  training: TrainingSpec
  preprocessing: Preprocessing
  /** Features of a split that are larger are trained in blocks. */
  residentBytesMax: number
}

/** A block and the one read ahead, and what the engine makes of each, must fit into the limit together. */
const BLOCKS_IN_MEMORY = 4

/** A split that the training needs. */
interface Rows {
  split: string
  stored: StoredSplit
  targets: Targets
  examples: number
  blockExamples: number
  isResident: boolean
  /** All its features, read once; of a split that is resident. */
  features(): Promise<RawFeatures>
}

/**
 * Chooses the examples, and learns the figures of the preprocessing from those that are trained on. Splits are in
 * memory, checked against their hashes, or come in blocks where their features are larger than `residentBytesMax`.
 */
export async function planData(blobs: BlobStore, spec: DataSpec): Promise<PlannedData> {
  const { dataset, training, preprocessing } = spec
  const validationSplit =
    training.validation && 'split' in training.validation ? training.validation.split : null
  const rows = new Map<string, Rows>()
  for (const [split, stored] of Object.entries(dataset.splits)) {
    if (split === 'train' || split === 'test' || split === validationSplit) {
      rows.set(split, await openRows(blobs, spec, split, stored))
    }
  }
  const all = rows.get('train')
  if (!all) throw new Error('a dataset has a training split')
  const { train, heldOut } = await holdOut(blobs, all, spec)
  const wholeSplit = (name: string | null) => {
    const split = name === null ? undefined : rows.get(name)
    return split ? selectRows(split, firstRows(split.examples)) : null
  }
  const validation = wholeSplit(validationSplit) ?? heldOut
  const examples = await readFittingExamples(blobs, spec, all, train)
  const fitted = fitPreprocessing(preprocessing, examples)
  const encoder = createEncoder(fitted, dataset.columns, examples.features)
  const plan = {
    train,
    validation,
    evaluation: wholeSplit('test') ?? validation,
    fitted,
    encoder,
    inUnits: (predictions: Float32Array) => scaleTargets(fitted, predictions, 'toUnits'),
  }
  const load = async (session: Session): Promise<TrainingData> => {
    const sources = new Map<string, ExampleSource>()
    for (const own of rows.values()) {
      sources.set(own.split, await openSource({ blobs, session, encoder }, dataset, own, fitted))
    }
    return {
      ...plan,
      load,
      sourceOf({ split }) {
        const source = sources.get(split)
        if (!source) throw new Error(`the split ${split} is not loaded`)
        return source
      },
    }
  }
  return { ...plan, load }
}

async function openRows(
  blobs: BlobStore,
  { dataset, training, preprocessing, residentBytesMax }: DataSpec,
  split: string,
  stored: StoredSplit,
): Promise<Rows> {
  const { examples } = stored
  const encodedBytes = dataset.dtype === 'uint8' ? 1 : 4
  const bytes = Math.max(rowBytes(dataset), countInputs(preprocessing, dataset) * encodedBytes)
  const isResident = examples * bytes <= residentBytesMax
  let reading: Promise<RawFeatures> | null = null
  return {
    split,
    stored,
    examples,
    isResident,
    targets: await readTargets(blobs, dataset, stored),
    blockExamples: isResident
      ? examples
      : wholeBatches(residentBytesMax / BLOCKS_IN_MEMORY / bytes, training.batchSize),
    features() {
      reading ??= readFeatures(blobs, dataset, stored)
      return reading
    },
  }
}

async function openSource(
  deps: { blobs: BlobStore; session: Session; encoder: Encoder },
  dataset: DatasetContent,
  { split, stored, targets, examples, isResident, features }: Rows,
  fitted: FittedPreprocessing,
): Promise<ExampleSource> {
  const learnt = areClasses(targets) ? targets : scaleTargets(fitted, targets.slice(), 'toNetwork')
  if (!isResident) return streamBlocks(deps, dataset, split, stored, learnt)
  return loadWhole(deps.session, deps.encoder, split, await features(), { targets: learnt, count: examples })
}

function selectRows({ split, targets, examples, blockExamples }: Rows, which: Int32Array): Selection {
  return select(split, which, targets, { examples, blockExamples })
}

/** No batch may lie across two blocks. */
function wholeBatches(examples: number, batchSize: number): number {
  return Math.max(1, Math.floor(examples / batchSize)) * batchSize
}

function firstRows(count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, index) => index)
}

/** Sets a seeded part of the training examples aside. */
async function holdOut(
  blobs: BlobStore,
  all: Rows,
  { dataset, training }: DataSpec,
): Promise<{ train: Selection; heldOut: Selection | null }> {
  const wanted = countHeldOut(training, all.examples)
  const { validation } = training
  if (wanted === 0 || validation === null || 'split' in validation) {
    return { train: selectRows(all, firstRows(all.examples)), heldOut: null }
  }
  const { stratify, group, time } = validation
  const held = chooseHeldOut({
    examples: all.examples,
    wanted,
    seed: training.seed,
    ...(stratify && areClasses(all.targets) && { classes: all.targets }),
    ...(group !== undefined && { groups: await readColumn(blobs, dataset, all.stored, group) }),
    ...(time !== undefined && { times: await readColumn(blobs, dataset, all.stored, time) }),
  })
  const isHeld = new Uint8Array(all.examples)
  for (const row of held) isHeld[row] = 1
  const kept = firstRows(all.examples).filter(row => isHeld[row] === 0)
  return { train: selectRows(all, kept), heldOut: held.length > 0 ? selectRows(all, held) : null }
}
