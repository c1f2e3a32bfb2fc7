import type { DatasetContent } from '../datasets/content.ts'
import { featureCount } from '../datasets/content.ts'
import { columnKindOf } from './columns/registry.ts'
import type { FittedPreprocessing, Preprocessing } from './preprocessing.ts'

/** What each input of the network means; null where features have no names. */
export function inputNames(
  preprocessing: Preprocessing | FittedPreprocessing,
  { columns }: Pick<DatasetContent, 'columns'>,
): string[] | null {
  if (columns === null || !('columns' in preprocessing)) return null
  return columns.flatMap(({ name, type }) => {
    const spec = preprocessing.columns[name] ?? null
    const inputs = spec === null ? [] : (columnKindOf(type)?.inputs(spec) ?? [])
    return inputs.map(input => `${name}: ${input}`)
  })
}

/** How many inputs the network has. */
export function countInputs(
  preprocessing: Preprocessing | FittedPreprocessing,
  content: Pick<DatasetContent, 'columns' | 'shape'>,
): number {
  return inputNames(preprocessing, content)?.length ?? featureCount(content.shape)
}
