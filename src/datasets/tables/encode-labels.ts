import { AppError } from '../../errors.ts'
import type { BlobDraft } from '../../storage/blob-store.ts'
import type { Task } from '../columns.ts'
import { type DraftScope, endDraft, writePiece } from '../drafts.ts'
import type { SplitName } from '../schemas.ts'
import { CATEGORIES_MAX, type ColumnEncoder } from './column-encoder.ts'
import { sortLabels } from './infer-columns.ts'
import { quote } from './place.ts'
import type { SplitWriter } from './split-writer.ts'

/** What is to be learnt, as it is stored. */
export interface EncodedLabels {
  classes: string[]
  splits: Map<SplitName, { labels: BlobDraft; classCounts: Record<string, number> }>
}

/**
 * Turns target cells into what is stored: class indices, zeros and ones, or numbers.
 * @throws {AppError} DATASET_INVALID when there is one class, or one that does not occur in training
 */
export async function encodeLabels(
  drafts: DraftScope,
  writers: ReadonlyMap<SplitName, SplitWriter>,
  targets: readonly ColumnEncoder[],
  task: Task,
): Promise<EncodedLabels> {
  if (task === 'classification' && targets[0]) return encodeClasses(drafts, writers, targets[0])
  const classes = task === 'multiLabel' ? targets.map(({ name }) => name) : []
  const splits: EncodedLabels['splits'] = new Map()
  for (const [split, { targets: cells }] of writers) {
    const counts = classes.map(() => 0)
    const labels = await rewriteNumbers(
      drafts,
      cells,
      (numbers, row) => {
        const floats = Float32Array.from(numbers)
        floats.forEach((value, at) => {
          const name = targets[at % targets.length]?.name ?? ''
          const where = `example ${row + Math.floor(at / targets.length) + 1} of ${split}`
          if (!Number.isFinite(value)) {
            throw new AppError(
              'DATASET_INVALID',
              `${where}: ${quote(name)} must fit float32; received ${numbers[at]}`,
            )
          }
          if (classes.length > 0) counts[at % classes.length] = (counts[at % classes.length] ?? 0) + value
        })
        return floats
      },
      targets.length,
    )
    splits.set(split, {
      labels,
      classCounts: Object.fromEntries(classes.map((name, at) => [name, counts[at] ?? 0])),
    })
  }
  return { classes, splits }
}

async function encodeClasses(
  drafts: DraftScope,
  writers: ReadonlyMap<SplitName, SplitWriter>,
  target: ColumnEncoder,
): Promise<EncodedLabels> {
  const labelOf = createLabelNames(target)
  const train = writers.get('train')
  const values = train ? await distinctOf(train.targets) : []
  const classes = sortLabels(values.map(labelOf))
  if (classes.length < 2) {
    const received = classes.length === 0 ? 'none' : `only ${quote(classes[0] ?? '')}`
    throw new AppError(
      'DATASET_INVALID',
      `a classification must have two classes or more; received ${received}`,
    )
  }
  const indices = new Map(values.map(value => [value, classes.indexOf(labelOf(value))]))
  const splits: EncodedLabels['splits'] = new Map()
  for (const [split, writer] of writers) {
    const counts = new Float64Array(classes.length)
    const labels = await rewriteNumbers(
      drafts,
      writer.targets,
      (numbers, row) =>
        Int32Array.from(numbers, (value, at) => {
          const index = indices.get(value)
          if (index === undefined) {
            const where = `example ${row + at + 1} of ${split}`
            throw new AppError(
              'DATASET_INVALID',
              `${where}: classes must occur in training; received ${quote(labelOf(value))}`,
            )
          }
          counts[index] = (counts[index] ?? 0) + 1
          return index
        }),
      1,
    )
    const classCounts = Object.fromEntries(classes.map((label, at) => [label, counts[at] ?? 0]))
    splits.set(split, { labels, classCounts })
  }
  return { classes, splits }
}

/** What a target cell is called as a class. */
function createLabelNames({ mode, codes }: ColumnEncoder): (cell: number) => string {
  if (mode === 'boolean') return cell => (cell === 1 ? 'true' : 'false')
  if (mode !== 'text') return String
  const texts = [...codes.keys()]
  return cell => texts[cell] ?? ''
}

/** The different numbers of an ended draft. @throws {AppError} DATASET_INVALID when they are too many */
async function distinctOf(draft: BlobDraft): Promise<number[]> {
  const found = new Set<number>()
  for await (const numbers of readNumbers(draft, 1)) {
    for (const value of numbers) found.add(value)
    if (found.size > CATEGORIES_MAX) {
      throw new AppError(
        'DATASET_INVALID',
        `a classification may have ${CATEGORIES_MAX} classes; received more`,
      )
    }
  }
  return [...found]
}

/** Writes an ended draft of float64 anew, changed piece by piece. */
export async function rewriteNumbers(
  drafts: DraftScope,
  from: BlobDraft,
  change: (numbers: Float64Array, row: number) => Int32Array | Float32Array,
  width: number,
): Promise<BlobDraft> {
  const to = await drafts.open()
  let row = 0
  for await (const numbers of readNumbers(from, width)) {
    const { buffer, byteOffset, byteLength } = change(numbers, row)
    await writePiece(to, new Uint8Array(buffer, byteOffset, byteLength))
    row += numbers.length / width
  }
  await endDraft(to)
  await from.discard()
  return to
}

/**
 * The float64 of an ended draft, in pieces of whole rows.
 * @param width - numbers of a row
 */
export async function* readNumbers(draft: BlobDraft, width: number): AsyncGenerator<Float64Array> {
  const rowBytes = 8 * width
  let waiting: Buffer = Buffer.alloc(0)
  for await (const piece of draft.readBack()) {
    const bytes: Buffer = waiting.length > 0 ? Buffer.concat([waiting, piece]) : piece
    const whole = bytes.length - (bytes.length % rowBytes)
    waiting = bytes.subarray(whole)
    // A copy, for a Float64Array must begin at a multiple of eight.
    if (whole > 0) yield new Float64Array(new Uint8Array(bytes.subarray(0, whole)).buffer)
  }
}
