import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { TaskSchema } from '../../datasets/columns.ts'
import { AppError, type FieldError, fieldError } from '../../errors.ts'
import { storable } from '../../names.ts'
import { ImageRequestSchema } from '../../preprocessing/images.ts'
import { IMPORT_FORMATS } from '../origin.ts'
import { TagSchema } from '../schemas.ts'
import { FEATURES_MAX } from './limits.ts'

const Label = storable({ minLength: 1, maxLength: 1_000 })

/** What is done to features before those steps that the file has itself. */
const ImportPreprocessingSchema = Type.Object(
  {
    scale: Type.Optional(Type.Number()),
    offset: Type.Optional(Type.Number()),
    centers: Type.Optional(Type.Array(Type.Number(), { maxItems: FEATURES_MAX })),
    spreads: Type.Optional(Type.Array(Type.Number(), { maxItems: FEATURES_MAX })),
    image: Type.Optional(ImageRequestSchema),
    target: Type.Optional(
      Type.Array(Type.Object({ center: Type.Number(), spread: Type.Number() }), { maxItems: 65_536 }),
    ),
  },
  { additionalProperties: false },
)

/** What the formats do not carry, in the text part `options`; everything has a default. */
export const ImportOptionsSchema = Type.Object(
  {
    format: Type.Optional(Type.Enum([...IMPORT_FORMATS])),
    task: Type.Optional(TaskSchema),
    classes: Type.Optional(Type.Array(Label, { minItems: 2, maxItems: 65_536, uniqueItems: true })),
    targets: Type.Optional(Type.Array(Label, { minItems: 1, maxItems: 65_536, uniqueItems: true })),
    inputShape: Type.Optional(
      Type.Array(Type.Integer({ minimum: 1, maximum: FEATURES_MAX }), { minItems: 1, maxItems: 3 }),
    ),
    dtype: Type.Optional(Type.Enum(['uint8', 'float32'] as const)),
    preprocessing: Type.Optional(ImportPreprocessingSchema),
    outputActivation: Type.Optional(Type.Enum(['softmax', 'sigmoid'] as const)),
    description: Type.Optional(storable({ maxLength: 10_000 })),
    tags: Type.Optional(Type.Array(TagSchema, { maxItems: 32, uniqueItems: true })),
  },
  { additionalProperties: false, title: 'Import options' },
)

/** What the formats do not carry. */
export type ImportOptions = Type.Static<typeof ImportOptionsSchema>

/** Reads the text part `options`. @throws {AppError} VALIDATION_FAILED with every wrong field */
export function readImportOptions(text: string): ImportOptions {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw fieldError('VALIDATION_FAILED', '/options', 'options must be JSON')
  }
  if (Value.Check(ImportOptionsSchema, value)) return value
  const errors = Value.Errors(ImportOptionsSchema, value)
    .filter(({ keyword }) => keyword !== 'boolean') // an unknown field has another error besides
    .slice(0, 100)
    .map(toFieldError)
  throw new AppError(
    'VALIDATION_FAILED',
    errors.map(({ pointer, detail }) => `${pointer}: ${detail}`).join('; '),
    {
      errors,
    },
  )
}

function toFieldError(error: {
  instancePath: string
  message: string
  keyword: string
  params: object
}): FieldError {
  const [unknown] = 'additionalProperties' in error.params ? [error.params.additionalProperties].flat() : []
  if (unknown === undefined) return { pointer: `/options${error.instancePath}`, detail: error.message }
  return { pointer: `/options${error.instancePath}/${String(unknown)}`, detail: 'is not a known field' }
}
