import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { fieldError } from '../errors.ts'
import type { ImageFit } from '../images/decode-image.ts'
import { NAME_RULE, NameSchema } from '../names.ts'
import { type ColumnType, type Task, TaskSchema } from './columns.ts'
import { quote } from './tables/place.ts'

/** What the text parts of an upload say; null is for what is to be found out. */
export interface UploadOptions {
  name: string
  format: UploadFormat | null
  target: string[] | null
  task: Task | null
  /** Types of columns, in place of those that would be inferred. */
  columns: Map<string, ColumnType>
  splitColumn: string | null
  delimiter: string | null
  hasHeader: boolean | null
  /** Pixels. */
  imageSize: { width: number; height: number } | null
  colour: 'grey' | 'colour' | null
  /** How images of another size are brought to it. */
  fit: ImageFit | null
}

/** What a client may call a format. */
export const UPLOAD_FORMATS = ['idx', 'csv', 'tsv', 'jsonl', 'npz', 'npy', 'parquet', 'zip'] as const

/** What a client may call a format. */
export type UploadFormat = (typeof UPLOAD_FORMATS)[number]

const ColumnsSchema = Type.Record(
  Type.String(),
  Type.Enum(['numeric', 'boolean', 'categorical', 'datetime', 'id', 'text'] as const),
)
const TargetsSchema = Type.Array(Type.String({ minLength: 1 }), { minItems: 1, uniqueItems: true })

/** Reads each text part into its option. @throws {AppError} VALIDATION_FAILED */
const READERS: {
  readonly [Key in keyof Omit<UploadOptions, 'hasHeader'> | 'header']: (
    text: string,
    options: UploadOptions,
  ) => void
} = {
  name: (text, options) => {
    if (!Value.Check(NameSchema, text)) throw refuse('name', NAME_RULE, text)
    options.name = text
  },
  format: (text, options) => {
    options.format = oneOf('format', UPLOAD_FORMATS, text)
  },
  target: (text, options) => {
    const targets = text.startsWith('[') ? parseJson('target', text) : [text]
    if (!Value.Check(TargetsSchema, targets))
      throw refuse('target', 'a column, or a JSON list of columns', text)
    options.target = targets
  },
  task: (text, options) => {
    if (!Value.Check(TaskSchema, text)) throw refuse('task', 'classification, multiLabel or regression', text)
    options.task = text
  },
  columns: (text, options) => {
    const columns = parseJson('columns', text)
    if (!Value.Check(ColumnsSchema, columns)) {
      const required = 'a JSON object of column names and numeric, boolean, categorical, datetime, id or text'
      throw refuse('columns', required, text)
    }
    options.columns = new Map(Object.entries(columns))
  },
  splitColumn: (text, options) => {
    options.splitColumn = text
  },
  delimiter: (text, options) => {
    const delimiter = text === '\\t' || text === 'tab' ? '\t' : text
    if (!/^[\t\x20-\x7e]$/.test(delimiter) || /["\w.+ -]/.test(delimiter)) {
      throw refuse('delimiter', 'one ASCII character that is no part of a number, or tab', text)
    }
    options.delimiter = delimiter
  },
  header: (text, options) => {
    options.hasHeader = oneOf('header', ['true', 'false'] as const, text) === 'true'
  },
  imageSize: (text, options) => {
    const [, width, height] = /^(\d{1,4})x(\d{1,4})$/.exec(text) ?? []
    const size = { width: Number(width), height: Number(height) }
    if (!(size.width >= 1 && size.width <= 1024 && size.height >= 1 && size.height <= 1024)) {
      throw refuse('imageSize', 'width and height from 1 to 1024, like 28x28', text)
    }
    options.imageSize = size
  },
  colour: (text, options) => {
    options.colour = oneOf('colour', ['grey', 'colour'] as const, text)
  },
  fit: (text, options) => {
    options.fit = oneOf('fit', ['fill', 'contain', 'cover'] as const, text)
  },
}

/** The names of the text parts. */
export const OPTION_PARTS = Object.keys(READERS)

/** Options that nothing was said about; the name is empty until it is given. */
export function createOptions(): UploadOptions {
  return {
    name: '',
    format: null,
    target: null,
    task: null,
    columns: new Map(),
    splitColumn: null,
    delimiter: null,
    hasHeader: null,
    imageSize: null,
    colour: null,
    fit: null,
  }
}

/** Reads a text part. @throws {AppError} VALIDATION_FAILED with the part as pointer */
export function readOption(options: UploadOptions, name: string, text: string): void {
  if (!isOption(name)) {
    const known = OPTION_PARTS.join(', ')
    throw fieldError('VALIDATION_FAILED', `/${name}`, `text parts must be ${known}; received ${name}`)
  }
  READERS[name](text, options)
}

function isOption(name: string): name is keyof typeof READERS {
  return Object.hasOwn(READERS, name)
}

function parseJson(name: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw refuse(name, 'JSON', text)
  }
}

function oneOf<const T extends string>(name: string, allowed: readonly T[], text: string): T {
  const found = allowed.find(value => value === text)
  if (found === undefined) throw refuse(name, allowed.join(' or '), text)
  return found
}

function refuse(name: string, required: string, received: string) {
  return fieldError(
    'VALIDATION_FAILED',
    `/${name}`,
    `${name} must be ${required}; received ${quote(received)}`,
  )
}
