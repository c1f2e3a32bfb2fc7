import { fieldError } from '../../errors.ts'
import type { UploadOptions } from '../upload-options.ts'

/** Whether each option was given, by the name of its text part. */
const GIVEN: Readonly<Record<string, (options: UploadOptions) => boolean>> = {
  target: ({ target }) => target !== null,
  columns: ({ columns }) => columns.size > 0,
  splitColumn: ({ splitColumn }) => splitColumn !== null,
  delimiter: ({ delimiter }) => delimiter !== null,
  header: ({ hasHeader }) => hasHeader !== null,
  imageSize: ({ imageSize }) => imageSize !== null,
  colour: ({ colour }) => colour !== null,
  fit: ({ fit }) => fit !== null,
}

/** The options that mean nothing for what is uploaded. */
const FOREIGN = {
  tables: ['imageSize', 'colour', 'fit'],
  'a table of numbers': ['delimiter', 'header', 'imageSize', 'colour', 'fit'],
  arrays: ['target', 'columns', 'splitColumn', 'delimiter', 'header', 'imageSize', 'colour', 'fit'],
  images: ['target', 'columns', 'splitColumn', 'delimiter', 'header'],
} as const

/** Refuses options that would do nothing. @throws {AppError} VALIDATION_FAILED with the part as pointer */
export function refuseOptions(options: UploadOptions, content: keyof typeof FOREIGN): void {
  for (const name of FOREIGN[content]) {
    if (!GIVEN[name]?.(options)) continue
    throw fieldError(
      'VALIDATION_FAILED',
      `/${name}`,
      `${name} means nothing for ${content}; it must be left out`,
    )
  }
}
