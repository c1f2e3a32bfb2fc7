import { AppError } from '../../src/errors.ts'
import { countHeldOut } from '../../src/jobs/plan-fits.ts'
import type { FoldsValidation } from '../../src/jobs/training-spec.ts'
import { areClasses } from '../../src/mlp/task.ts'
import type { BlobStore } from '../../src/storage/blob-store.ts'
import { assignFolds } from './assign-folds.ts'
import { readColumn } from './fitting-examples.ts'
import { chooseHeldOut } from './hold-out.ts'
import { HELD_OUT, type Selection } from './selection.ts'
import { allRows, type DataSpec, openRows, type Rows, selectRows, selectScattered } from './split-rows.ts'

/** The examples of one training from first weights to last. */
export interface Fit {
  /** The fold that it is validated on, from 1; null: what it gives is the model. */
  fold: number | null
  train: Selection
  validation: Selection | null
}

/** Which examples a job works on. */
export interface ChosenExamples {
  /** The splits, by name. */
  rows: ReadonlyMap<string, Rows>
  /** One after the other; the last makes the model. */
  fits: readonly Fit[]
  test: Selection | null
}

/**
 * Chooses the examples of every fit.
 * @throws {AppError} DATASET_INVALID when there are fewer groups than folds
 */
export async function chooseExamples(blobs: BlobStore, spec: DataSpec): Promise<ChosenExamples> {
  const { dataset, training } = spec
  const { validation } = training
  const validationSplit = validation && 'split' in validation ? validation.split : null
  const rows = new Map<string, Rows>()
  for (const [split, stored] of Object.entries(dataset.splits)) {
    if (split === 'train' || split === 'test' || split === validationSplit) {
      rows.set(split, await openRows(blobs, spec, split, stored))
    }
  }
  const all = rows.get('train')
  if (!all) throw new Error('a dataset has a training split')
  // Examples that validate stay as they are, so they are a split of their own where others are changed.
  const plain = all.isAugmented ? { ...all, split: HELD_OUT, isAugmented: false } : all
  rows.set(plain.split, plain)
  const wholeSplit = (name: string | null) => {
    const split = name === null ? undefined : rows.get(name)
    return split ? selectRows(split, allRows(split)) : null
  }
  const test = wholeSplit('test')
  if (validation && 'folds' in validation) {
    const foldOf = await chooseFolds(blobs, all, spec, validation)
    const fits = Array.from({ length: validation.folds }, (_, fold) => ({
      fold: fold + 1,
      train: selectScattered(
        all,
        allRows(all).filter(row => foldOf[row] !== fold),
        training.batchSize,
      ),
      validation: selectScattered(
        plain,
        allRows(all).filter(row => foldOf[row] === fold),
        1,
      ),
    }))
    const model = { fold: null, train: selectRows(all, allRows(all)), validation: null }
    return { rows, test, fits: [...fits, model] }
  }
  const { train, held } = await holdOut(blobs, all, spec)
  const heldOut = held && selectScattered(plain, held, 1)
  return { rows, test, fits: [{ fold: null, train, validation: wholeSplit(validationSplit) ?? heldOut }] }
}

async function chooseFolds(
  blobs: BlobStore,
  all: Rows,
  spec: DataSpec,
  { folds, group, ...way }: FoldsValidation,
): Promise<Int32Array> {
  const { examples } = all
  const ways = await readWays(blobs, all, spec, { group, ...way })
  const foldOf = assignFolds({ examples, folds, seed: spec.training.seed, ...ways })
  const filled = new Set(foldOf).size
  if (filled === folds) return foldOf
  throw new AppError(
    'DATASET_INVALID',
    `each of ${folds} folds must have a group of its own; the column ${group} has ${filled} groups`,
  )
}

/** Sets a seeded part of the training examples aside. */
async function holdOut(
  blobs: BlobStore,
  all: Rows,
  spec: DataSpec,
): Promise<{ train: Selection; held: Int32Array | null }> {
  const { seed, validation } = spec.training
  const wanted = countHeldOut({ validation }, all.examples)
  if (wanted === 0 || validation === null || !('fraction' in validation)) {
    return { train: selectRows(all, allRows(all)), held: null }
  }
  const { time } = validation
  const held = chooseHeldOut({
    examples: all.examples,
    wanted,
    seed,
    ...(await readWays(blobs, all, spec, validation)),
    ...(time !== undefined && { times: await readColumn(blobs, spec.dataset, all.stored, time) }),
  })
  const isHeld = new Uint8Array(all.examples)
  for (const row of held) isHeld[row] = 1
  const kept = allRows(all).filter(row => isHeld[row] === 0)
  return { train: selectRows(all, kept), held: held.length > 0 ? held : null }
}

/** What keeps rows in proportion, or together. */
async function readWays(
  blobs: BlobStore,
  { stored, targets }: Rows,
  { dataset }: DataSpec,
  { stratify, group }: { stratify?: boolean | undefined; group?: string | undefined },
): Promise<{ classes?: Int32Array; groups?: Float64Array }> {
  return {
    ...(stratify && areClasses(targets) && { classes: targets }),
    ...(group !== undefined && { groups: await readColumn(blobs, dataset, stored, group) }),
  }
}
