import type { CheckedDataset, PreparedDataset } from './prepared.ts'
import { SPLITS } from './schemas.ts'
import { preparedSources } from './split-blocks.ts'
import { warnOfClasses } from './statistics/class-warnings.ts'
import { countDuplicates } from './statistics/count-duplicates.ts'
import { warnOfDuplicates } from './statistics/duplicate-warnings.ts'

/**
 * Looks at all examples together, once they are read: at their classes, and for examples that occur more than once.
 * @returns the dataset, with what its owner should know
 */
export async function checkExamples(prepared: PreparedDataset): Promise<CheckedDataset> {
  const { splits, task, warnings } = prepared
  const duplicates = await countDuplicates(prepared, preparedSources(splits))
  const examples = Object.fromEntries(SPLITS.map(split => [split, splits[split]?.examples ?? 0]))
  return {
    ...prepared,
    duplicates,
    warnings: [
      ...warnings,
      ...(task === 'regression' ? [] : warnOfClasses(splits)),
      ...warnOfDuplicates(duplicates, examples, task),
    ],
  }
}
