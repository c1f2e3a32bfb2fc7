import { AppError } from '../../../errors.ts'
import type { DraftScope } from '../../drafts.ts'
import type { UploadOptions } from '../../upload-options.ts'
import type { FormatFiles } from '../files.ts'
import { findImages, type ImageTools, type LabelledImage, prepareImages } from '../images/image-set.ts'
import { createArraySet, prepareArrays } from '../npz/array-set.ts'
import { addNpz, isNpz } from '../npz/npz-files.ts'
import { refuseOptions } from '../refuse-options.ts'
import { readDirectory } from './read-directory.ts'
import { spoolFile } from './spooled-file.ts'

/** Takes ZIP files in: an archive of nothing but `.npy` is an NPZ, any other one is of images. */
export function createZipFiles(drafts: DraftScope, options: UploadOptions, tools: ImageTools): FormatFiles {
  const arrays = createArraySet()
  const images: LabelledImage[] = []
  let content: 'arrays' | 'images' | null = null
  return {
    async add({ part, split, pieces }) {
      const file = await spoolFile(drafts, pieces)
      const entries = await readDirectory(file, tools.bytesMax)
      const found = isNpz(entries) ? 'arrays' : 'images'
      if (options.format === 'npz' && found !== 'arrays') {
        const other = entries.find(({ name }) => !name.endsWith('.npy'))
        const received = other ? JSON.stringify(other.name) : 'nothing'
        throw new AppError(
          'DATASET_INVALID',
          `an NPZ must hold .npy files and nothing else; received ${received}`,
        )
      }
      if (content !== null && content !== found) {
        throw new AppError('DATASET_INVALID', `all files must hold ${content}; received one of ${found}`)
      }
      content = found
      refuseOptions(options, content)
      if (content === 'arrays') await addNpz(drafts, arrays, { part, split, file, entries })
      else for (const image of findImages({ part, split, file, entries })) images.push(image)
    },
    async prepare() {
      if (content === 'arrays') return prepareArrays(drafts, arrays, options.task, tools)
      return prepareImages(drafts, images, options, tools)
    },
  }
}
