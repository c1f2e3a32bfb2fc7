import { Type } from 'typebox'

/** What computed a training, and its versions. */
export const EngineSchema = Type.Object({
  name: Type.String(),
  device: Type.String(),
  versions: Type.Record(Type.String(), Type.String()),
})

/** Formats of files that become versions. */
export const IMPORT_FORMATS = ['tfjs', 'keras', 'onnx'] as const

/** A format of files that become versions. */
export type ImportFormat = (typeof IMPORT_FORMATS)[number]

/** The file that a version was made of. */
export const ImportedSchema = Type.Object(
  {
    format: Type.Enum([...IMPORT_FORMATS]),
    sha256: Type.String({
      description: 'Of the file as it was posted; of several the hash of their hashes.',
    }),
    bytes: Type.Integer(),
    generatedBy: Type.Union([Type.String(), Type.Null()], {
      description: 'What the file says of the program that wrote it.',
    }),
  },
  { title: 'Import' },
)

/** The file that a version was made of. */
export type Imported = Type.Static<typeof ImportedSchema>
