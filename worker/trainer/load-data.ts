import { createEncoder, type Encoder, scaleTargets } from '../../src/preprocessing/encoder.ts'
import { fitPreprocessing } from '../../src/preprocessing/fit.ts'
import type { FittedPreprocessing } from '../../src/preprocessing/preprocessing.ts'
import type { BlobStore } from '../../src/storage/blob-store.ts'
import type { Session } from '../engines/engine.ts'
import type { ChosenExamples, Fit } from './choose-examples.ts'
import type { ExampleSource } from './example-source.ts'
import { readFittingExamples } from './fitting-examples.ts'
import { loadRows } from './load-rows.ts'
import type { Selection } from './selection.ts'
import type { DataSpec, Rows } from './split-rows.ts'

/** The examples of a fit, and how they become inputs of its network. */
export interface PlannedData extends Fit {
  /** For the report: the test split when there is one, else the validation examples; of a fold, these. */
  evaluation: Selection | null
  fitted: FittedPreprocessing
  encoder: Encoder
  /** Predictions of the network in the units of the targets; changed in place. */
  inUnits(predictions: Float32Array): Float32Array
  /** Brings the splits into a session. */
  load(session: Session): Promise<TrainingData>
}

/** What a fit works on. */
export interface TrainingData extends PlannedData {
  /** Brings the examples of a selection into the session. */
  sourceOf(selection: Selection): ExampleSource
}

/**
 * Learns the figures of the preprocessing from the examples that the fit trains on, and no others. Splits are in
 * memory, checked against their hashes, or come in blocks where their features are larger than `residentBytesMax`.
 */
export async function planData(
  blobs: BlobStore,
  spec: DataSpec,
  { rows, test }: ChosenExamples,
  fit: Fit,
): Promise<PlannedData> {
  const { fold, train, validation } = fit
  const { dataset } = spec
  const evaluation = fold === null ? (test ?? validation) : validation
  const all = rows.get(train.split)
  if (!all) throw new Error('the training examples are of an open split')
  const fitted = await learnFigures(blobs, spec, all, train)
  const encoder = createEncoder(fitted, dataset.columns, dataset.shape)
  const plan = {
    ...fit,
    evaluation,
    fitted,
    encoder,
    inUnits: (predictions: Float32Array) => scaleTargets(fitted, predictions, 'toUnits'),
  }
  const needed = new Set([train, validation, evaluation].map(selection => selection?.split))
  const load = async (session: Session): Promise<TrainingData> => {
    const sources = new Map<string, ExampleSource>()
    for (const own of rows.values()) {
      if (!needed.has(own.split)) continue
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
