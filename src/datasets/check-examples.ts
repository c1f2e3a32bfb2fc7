import { FEATURE_BYTES, featureCount } from './content.ts'
import type { CheckedDataset, PreparedDataset } from './prepared.ts'
import { preparedSources } from './split-blocks.ts'
import { warnOfClasses } from './statistics/class-warnings.ts'
import { countDuplicates } from './statistics/count-duplicates.ts'
import { warnOfDuplicates } from './statistics/duplicate-warnings.ts'

/** Features that are compared while their owner waits, some tenths of a second, though there is nothing to leak into. */
const AT_ONCE_BYTES_MAX = 64 * 1024 ** 2

/**
 * Looks at all examples together, once they are read: at their classes, and for examples that occur more than once. A
 * large dataset of one split, which has no leak, is compared when somebody asks for its figures.
 * @returns the dataset, with what its owner should know
 */
export async function checkExamples(
  prepared: PreparedDataset,
  atOnceBytesMax = AT_ONCE_BYTES_MAX,
): Promise<CheckedDataset> {
  const { splits, task, warnings } = prepared
  const sources = preparedSources(splits)
  const rowBytes = featureCount(prepared.shape) * FEATURE_BYTES[prepared.dtype]
  const bytes = sources.reduce((sum, { examples }) => sum + examples * rowBytes, 0)
  const isNow = sources.length > 1 || bytes <= atOnceBytesMax
  const duplicates = isNow ? await countDuplicates(prepared, sources) : null
  return {
    ...prepared,
    duplicates,
    warnings: [
      ...warnings,
      ...(task === 'regression' ? [] : warnOfClasses(splits)),
      ...(duplicates ? warnOfDuplicates(duplicates, splits, task) : []),
    ],
  }
}
