import type { Column } from '../datasets/columns.ts'
import { type DatasetContent, featureCount } from '../datasets/content.ts'
import type { FieldError } from '../errors.ts'
import type { FittedPreprocessing } from './preprocessing.ts'

/** A preprocessing with its figures, and the data that it was made for. */
export interface PreparedBefore {
  kind: DatasetContent['task']
  preprocessing: FittedPreprocessing
  input: { shape: number[]; dtype: string; columns?: Column[] | null }
  targets?: string[]
}

type Content = Pick<DatasetContent, 'shape' | 'dtype' | 'columns' | 'task' | 'targets'>

/**
 * Figures that were learnt from other data, for a dataset that they suit: one with the same features in the same units
 * and order, and of a regression the same targets. A table may have more columns, which are not used, and other
 * categories, which count as never seen.
 * @returns what is in the way where they do not suit
 */
export function keepPreprocessing(
  before: PreparedBefore,
  content: Content,
): FittedPreprocessing | { errors: FieldError[] } {
  const reason = findMisfit(before, content)
  if (reason !== null) {
    const detail = `must be given, for that of the base model does not suit the dataset: ${reason}`
    return { errors: [{ pointer: '/preprocessing', detail }] }
  }
  const { preprocessing } = before
  if (!('columns' in preprocessing)) return preprocessing
  const known = preprocessing.columns
  const columns = (content.columns ?? []).map(({ name }) => [
    name,
    (Object.hasOwn(known, name) ? known[name] : null) ?? null, // a column may be named `constructor`
  ])
  return { ...preprocessing, columns: Object.fromEntries(columns) }
}

function findMisfit(before: PreparedBefore, content: Content): string | null {
  const { preprocessing, input } = before
  const targets = findTargetMisfit(before, content)
  if (targets !== null) return targets
  if ('columns' in preprocessing) {
    const used = (input.columns ?? []).filter(({ name }) => preprocessing.columns[name])
    return findColumnMisfit(used, content.columns ?? [])
  }
  if (content.columns !== null) return 'it takes no columns, and the dataset is a table'
  const [theirs, ours] = [input.shape.join(' × '), content.shape.join(' × ')]
  const isSame = preprocessing.image
    ? theirs === ours
    : featureCount(input.shape) === featureCount(content.shape)
  if (!isSame) return `it takes examples of ${theirs}, and these are ${ours}`
  return input.dtype === content.dtype
    ? null
    : `it takes ${input.dtype} features, and these are ${content.dtype}`
}

/** Where the data does not name its targets they are taken for the same. */
function findTargetMisfit({ kind, targets = [] }: PreparedBefore, content: Content): string | null {
  const isRegression = content.task === 'regression'
  if ((kind === 'regression') !== isRegression)
    return `it is for ${kind}, and the dataset for ${content.task}`
  if (!isRegression || targets.length === 0 || content.targets.length === 0) return null
  const [theirs, ours] = [targets.join(', '), content.targets.join(', ')]
  return theirs === ours ? null : `it is for the targets ${theirs}, and these are ${ours}`
}

function findColumnMisfit(used: readonly Column[], columns: readonly Column[]): string | null {
  const typeOf = new Map(columns.map(({ name, type }) => [name, type]))
  const wrong = used.flatMap(({ name, type }) => {
    const found = typeOf.get(name)
    return found === type ? [] : [`${name} as ${type}, which is ${found ?? 'missing'}`]
  })
  if (wrong.length > 0) return `it takes the columns ${wrong.join('; ')}`
  const names = used.map(({ name }) => name)
  const ordered = columns.flatMap(({ name }) => (names.includes(name) ? [name] : []))
  return ordered.join() === names.join() ? null : `it takes the columns in the order ${names.join(', ')}`
}
