import { type DatasetContent, featureCount } from '../../src/datasets/content.ts'
import { countHeldOut } from '../../src/jobs/resolve-spec.ts'
import type { TrainingSpec } from '../../src/jobs/training-spec.ts'
import { createRandom, permutation } from '../../src/mlp/random.ts'
import type { BlobStore } from '../../src/storage/blob-store.ts'
import type { Examples, Session } from '../engines/engine.ts'

/** Some examples of a loaded split. */
export interface Selection {
  split: string
  /** Which examples, by index in the split. */
  indices: Int32Array
  /** The class of each, in the same order. */
  labels: Int32Array
}

/** What a training works on. */
export interface TrainingData {
  train: Selection
  validation: Selection | null
  /** For the final report: the test split when there is one, else the validation examples. */
  evaluation: Selection | null
}

/** Reads the splits that are needed into the session, checked against their hashes. */
export async function loadData(
  blobs: BlobStore,
  session: Session,
  dataset: DatasetContent,
  training: TrainingSpec,
): Promise<TrainingData> {
  const selections = new Map<string, Selection>()
  const { validation: from } = training
  for (const [split, stored] of Object.entries(dataset.splits)) {
    const isNeeded =
      split === 'train' || split === 'test' || (from && 'split' in from && from.split === split)
    if (!isNeeded) continue
    const features = await blobs.read(stored.features)
    const labels = await blobs.read(stored.labels)
    const examples = toExamples(dataset, stored.examples, features, labels)
    session.load(split, examples)
    const indices = Int32Array.from({ length: stored.examples }, (_, index) => index)
    selections.set(split, { split, indices, labels: examples.labels })
  }
  const all = selections.get('train')
  if (!all) throw new Error('a dataset has a training split')
  const { train, heldOut } = holdOut(all, training)
  const validation = from && 'split' in from ? (selections.get(from.split) ?? null) : heldOut
  return { train, validation, evaluation: selections.get('test') ?? validation }
}

function toExamples(dataset: DatasetContent, count: number, features: Buffer, labels: Buffer): Examples {
  const units = featureCount(dataset.shape)
  return {
    features:
      dataset.dtype === 'uint8'
        ? new Uint8Array(features.buffer, features.byteOffset, count * units)
        : new Float32Array(
            features.buffer.slice(features.byteOffset, features.byteOffset + count * units * 4),
          ),
    labels: new Int32Array(labels.buffer.slice(labels.byteOffset, labels.byteOffset + count * 4)),
  }
}

/** Sets a seeded random part of the training examples aside. */
function holdOut(all: Selection, training: TrainingSpec): { train: Selection; heldOut: Selection | null } {
  const count = countHeldOut(training, all.indices.length)
  if (count === 0) return { train: all, heldOut: null }
  const order = permutation(createRandom(training.seed, 'validation'), all.indices.length)
  const select = (indices: Int32Array): Selection => ({
    split: all.split,
    indices: indices.sort(),
    labels: indices.map(index => all.labels[index] ?? 0),
  })
  return { train: select(order.slice(count)), heldOut: select(order.slice(0, count)) }
}
