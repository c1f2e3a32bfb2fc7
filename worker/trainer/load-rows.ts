import { setImmediate as nextTurn } from 'node:timers/promises'
import { type DatasetContent, featureCount } from '../../src/datasets/content.ts'
import type { TrainingSpec } from '../../src/jobs/training-spec.ts'
import { areClasses } from '../../src/mlp/task.ts'
import { augmentImages } from '../../src/preprocessing/augmentation.ts'
import { type Encoder, type RawFeatures, scaleTargets } from '../../src/preprocessing/encoder.ts'
import type { FittedPreprocessing } from '../../src/preprocessing/preprocessing.ts'
import type { BlobStore } from '../../src/storage/blob-store.ts'
import type { Session } from '../engines/engine.ts'
import { type ExampleSource, openSource } from './example-source.ts'
import { allRows, type DataSpec, type Rows, selectRows } from './split-rows.ts'
import { readRows, verifyFeatures } from './stored-features.ts'

/** Makes a split available to a session: in memory once and for all, where it does not change. */
export async function loadRows(
  { blobs, session, encoder }: { blobs: BlobStore; session: Session; encoder: Encoder },
  { dataset, training }: DataSpec,
  rows: Rows,
  fitted: FittedPreprocessing,
): Promise<ExampleSource> {
  const { split, stored, targets, examples, isResident, isAugmented } = rows
  const learnt = areClasses(targets) ? targets : scaleTargets(fitted, targets.slice(), 'toNetwork')
  const width = learnt.length / examples
  if (!isResident) await verifyFeatures(blobs, stored)
  const source = openSource(session, split, {
    changes: isAugmented,
    async read({ rows: { from, to }, epoch }) {
      const raw = isResident ? await rows.features() : await readRows(blobs, dataset, stored, { from, to })
      const own = isAugmented ? await augment(raw, dataset, training, { epoch, firstRow: from }) : raw
      return {
        features: encoder.encode(own, to - from),
        labels: learnt.subarray(from * width, to * width),
      }
    },
  })
  if (isResident && !isAugmented) {
    const { blocks } = selectRows(rows, allRows(rows))
    for (const block of blocks) await source.use(block, 0)
  }
  return source
}

/** Images that are changed before the next turn of the event loop. */
const AUGMENTED_AT_ONCE = 2_048

async function augment(
  raw: RawFeatures,
  { shape }: DatasetContent,
  { augmentation, seed }: TrainingSpec,
  { epoch, firstRow }: { epoch: number; firstRow: number },
): Promise<RawFeatures> {
  if (!augmentation || !(raw instanceof Uint8Array)) return raw
  const size = featureCount(shape)
  const augmented = new Uint8Array(raw.length)
  for (let row = 0; row * size < raw.length; row += AUGMENTED_AT_ONCE) {
    const some = raw.subarray(row * size, (row + AUGMENTED_AT_ONCE) * size)
    const at = { seed, epoch, firstRow: firstRow + row }
    augmented.set(augmentImages(some, shape, augmentation, at), row * size)
    await nextTurn()
  }
  return augmented
}
