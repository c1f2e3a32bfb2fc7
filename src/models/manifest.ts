import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { ColumnSchema, TaskSchema } from '../datasets/columns.ts'
import type { LossSpec } from '../mlp/losses/registry.ts'
import type { Network } from '../mlp/network.ts'
import { FittedPreprocessingSchema } from '../preprocessing/preprocessing.ts'
import { BaseModelSchema } from './base-model.ts'
import { EngineSchema, ImportedSchema } from './origin.ts'

/** Everything that tells what a model is, how it came to be, and how to use it without this service. */
export const ManifestSchema = Type.Object({
  format: Type.Literal('trainyard-model/1'),
  kind: TaskSchema,
  jobId: Type.Union([Type.String(), Type.Null()], { description: 'Null: it was imported.' }),
  dataset: Type.Union([Type.Object({ id: Type.String(), sha256: Type.String() }), Type.Null()], {
    description: 'Null: it was imported.',
  }),
  imported: Type.Optional(ImportedSchema),
  baseModel: Type.Optional(BaseModelSchema),
  input: Type.Object({
    shape: Type.Array(Type.Integer()),
    dtype: Type.Enum(['uint8', 'float32', 'float64'] as const),
    columns: Type.Optional(
      Type.Union([Type.Array(ColumnSchema), Type.Null()], {
        description: 'Of a table, in the order of its features.',
      }),
    ),
  }),
  preprocessing: FittedPreprocessingSchema,
  classes: Type.Array(Type.String(), { description: 'Empty for a regression.' }),
  targets: Type.Optional(Type.Array(Type.String(), { description: 'Names of what is predicted.' })),
  network: Type.Unsafe<Network>({ type: 'object', required: ['layers'] }),
  loss: Type.Union([Type.Unsafe<LossSpec>({ type: 'object', required: ['type'] }), Type.Null()], {
    description: 'Null: it was imported.',
  }),
  training: Type.Record(Type.String(), Type.Unknown(), { description: 'As trained, with the seed.' }),
  parameterCount: Type.Integer(),
  metrics: Type.Record(Type.String(), Type.Number()),
  engine: Type.Union([EngineSchema, Type.Null()], { description: 'Null: it was imported.' }),
  calibration: Type.Optional(
    Type.Object(
      { method: Type.Literal('temperature'), temperature: Type.Number({ exclusiveMinimum: 0 }) },
      {
        description:
          'Calibrated probabilities are softmax(logits / temperature). Missing where none was fitted.',
      },
    ),
  ),
  weights: Type.Array(Type.Object({ name: Type.String(), shape: Type.Array(Type.Integer()) }), {
    description: 'In the order of weights.bin: float32, little-endian, row by row.',
  }),
  files: Type.Record(Type.String(), Type.String(), { description: 'SHA-256 of the other files.' }),
})

/** What a model is, how it came to be, and how to use it. */
export type Manifest = Type.Static<typeof ManifestSchema>

/** @throws Error when the text is no manifest */
export function parseManifest(text: string): Manifest {
  const value: unknown = JSON.parse(text)
  if (Value.Check(ManifestSchema, value)) return value
  const [first] = Value.Errors(ManifestSchema, value)
  throw new Error(`a manifest must fit its schema: ${first?.instancePath} ${first?.message}`)
}
