import { Type } from 'typebox'
import { BaseModelSchema } from './base-model.ts'
import type { Manifest } from './manifest.ts'
import { EngineSchema, ImportedSchema } from './origin.ts'

/** Who did something: an API key, under the name that it had then. */
export const ActorSchema = Type.Object(
  { id: Type.String(), name: Type.String() },
  { description: 'An API key, under the name that it had then.' },
)

/** Who did something. */
export type Actor = Type.Static<typeof ActorSchema>

/** What a version came from, besides what stands in the version itself; written with it and never changed. */
export const LineageSchema = Type.Object(
  {
    dataset: Type.Union([Type.Object({ name: Type.String(), version: Type.Integer() }), Type.Null()], {
      description:
        'As it was called when the version was made; null: it was deleted before, or there was none.',
    }),
    network: Type.Unsafe<object>({ type: 'object', additionalProperties: true }),
    training: Type.Record(Type.String(), Type.Unknown(), {
      description: 'As trained, with the seed; empty for an import.',
    }),
    seed: Type.Union([Type.Integer(), Type.Null()]),
    engine: Type.Union([EngineSchema, Type.Null()], { description: 'Null: it was imported.' }),
    baseModel: Type.Optional(
      Type.Union([BaseModelSchema, Type.Null()], {
        description:
          'Whose weights the training began with; null: with drawn ones. Missing: an earlier release.',
      }),
    ),
    imported: Type.Optional(
      Type.Union([ImportedSchema, Type.Null()], {
        description: 'The file that it was made of; null: a job trained it. Missing: an earlier release.',
      }),
    ),
    submittedBy: Type.Union([ActorSchema, Type.Null()], {
      description: 'Who submitted the job, or imported; null: an earlier release took it in.',
    }),
  },
  { title: 'Lineage' },
)

/** What a version came from. */
export type Lineage = Type.Static<typeof LineageSchema>

/** What only the database knows of a version's origin. */
export type Origin = Pick<Lineage, 'dataset' | 'submittedBy'>

/** The lineage of a version. */
export function describeLineage(
  manifest: Pick<Manifest, 'network' | 'training' | 'engine' | 'baseModel' | 'imported'>,
  origin: Origin,
): Lineage {
  const { network, training, engine, baseModel = null, imported = null } = manifest
  const { seed } = training
  return {
    ...origin,
    network,
    training,
    seed: typeof seed === 'number' ? seed : null,
    engine,
    baseModel,
    imported,
  }
}
