import { countHeldOut } from '../../src/jobs/resolve-spec.ts'
import { areClasses } from '../../src/mlp/task.ts'
import { createEncoder, type Encoder, scaleTargets } from '../../src/preprocessing/encoder.ts'
import { fitPreprocessing } from '../../src/preprocessing/fit.ts'
import type { FittedPreprocessing } from '../../src/preprocessing/preprocessing.ts'
import type { BlobStore } from '../../src/storage/blob-store.ts'
import type { Session } from '../engines/engine.ts'
import type { ExampleSource } from './example-source.ts'
import { readColumn, readFittingExamples } from './fitting-examples.ts'
import { chooseHeldOut } from './hold-out.ts'
import { loadRows } from './load-rows.ts'
import { HELD_OUT, type Selection } from './selection.ts'
import { allRows, type DataSpec, openRows, type Rows, selectRows } from './split-rows.ts'

/** Which examples a training works on, and how they become inputs of its network. */
export interface PlannedData {
  train: Selection
  validation: Selection | null
  /** For the final report: the test split when there is one, else the validation examples. */
  evaluation: Selection | null
  /** Whether there are other training examples than were counted on: groups and times are known only now. */
  isCountNew: boolean
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

/**
 * Chooses the examples, and learns the figures of the preprocessing from those that are trained on. Splits are in
 * memory, checked against their hashes, or come in blocks where their features are larger than `residentBytesMax`.
 */
export async function planData(blobs: BlobStore, spec: DataSpec): Promise<PlannedData> {
  const { dataset, training } = spec
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
  const { train, held } = await holdOut(blobs, all, spec)
  // Examples that validate stay as they are, so they are a split of their own where others are changed.
  const plain = all.isAugmented && held ? { ...all, split: HELD_OUT, isAugmented: false } : all
  if (plain !== all) rows.set(plain.split, plain)
  const heldOut = held && selectRows(plain, held)
  const wholeSplit = (name: string | null) => {
    const split = name === null ? undefined : rows.get(name)
    return split ? selectRows(split, allRows(split)) : null
  }
  const validation = wholeSplit(validationSplit) ?? heldOut
  const fitted = await learnFigures(blobs, spec, all, train)
  const encoder = createEncoder(fitted, dataset.columns, dataset.shape)
  const plan = {
    train,
    validation,
    evaluation: wholeSplit('test') ?? validation,
    isCountNew: train.count !== all.examples - countHeldOut(training, all.examples),
    fitted,
    encoder,
    inUnits: (predictions: Float32Array) => scaleTargets(fitted, predictions, 'toUnits'),
  }
  const load = async (session: Session): Promise<TrainingData> => {
    const sources = new Map<string, ExampleSource>()
    for (const own of rows.values()) {
      sources.set(own.split, await loadRows({ blobs, session, encoder }, spec, own, fitted))
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

async function learnFigures(
  blobs: BlobStore,
  { isFitted, preprocessing, ...data }: DataSpec,
  all: Rows,
  train: Selection,
): Promise<FittedPreprocessing> {
  if (isFitted) return preprocessing
  return fitPreprocessing(
    preprocessing,
    await readFittingExamples(blobs, { ...data, preprocessing }, all, train),
  )
}

/** Sets a seeded part of the training examples aside. */
async function holdOut(
  blobs: BlobStore,
  all: Rows,
  { dataset, training }: DataSpec,
): Promise<{ train: Selection; held: Int32Array | null }> {
  const wanted = countHeldOut(training, all.examples)
  const { validation } = training
  if (wanted === 0 || validation === null || 'split' in validation) {
    return { train: selectRows(all, allRows(all)), held: null }
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
  const kept = allRows(all).filter(row => isHeld[row] === 0)
  return { train: selectRows(all, kept), held: held.length > 0 ? held : null }
}
