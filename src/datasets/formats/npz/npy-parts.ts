import { AppError, fieldError } from '../../../errors.ts'
import type { DraftScope } from '../../drafts.ts'
import { withPart } from '../../tables/read-table.ts'
import type { UploadOptions } from '../../upload-options.ts'
import { decompress } from '../decompress.ts'
import type { FileReader } from '../files.ts'
import { limitBytes } from '../pieces.ts'
import { refuseOptions } from '../refuse-options.ts'
import { readPieces, spoolFile } from '../zip/spooled-file.ts'
import { ARRAY_PARTS } from './array-names.ts'
import { createArraySet, prepareArrays } from './array-set.ts'
import { addArray } from './npz-files.ts'
import { openArray } from './read-array.ts'

/**
 * Takes arrays in as NPY files, one in each part: `trainX`, `trainY`, ….
 * @throws {AppError} VALIDATION_FAILED for options that are not for arrays
 */
export function createNpyReader(
  drafts: DraftScope,
  options: UploadOptions,
  limits: { bytesMax: number },
): FileReader {
  refuseOptions(options, 'arrays')
  if (options.format !== null && options.format !== 'npy') {
    throw fieldError('VALIDATION_FAILED', '/format', `arrays in parts are npy; format says ${options.format}`)
  }
  const set = createArraySet()
  return {
    parts: Object.keys(ARRAY_PARTS),
    async receive(part, content) {
      const use = ARRAY_PARTS[part]
      if (!use) throw new AppError('VALIDATION_FAILED', `${part} is no array`)
      try {
        const file = await spoolFile(drafts, limitBytes(decompress(content), limits.bytesMax))
        const { bytes } = file
        const stream = () => readPieces(file, 0, bytes)
        addArray(
          set,
          use.role,
          use.split,
          await openArray({ part, name: part, bytes, stream, spool: async () => file }),
        )
      } catch (error) {
        throw withPart(error, part)
      }
    },
    async prepare() {
      return prepareArrays(drafts, set, options.task, limits)
    },
  }
}
