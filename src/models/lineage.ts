import { Type } from 'typebox'
import type { Manifest } from './manifest.ts'

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
      description: 'As it was called when the version was made; null: it was deleted before.',
    }),
    network: Type.Unsafe<object>({ type: 'object', additionalProperties: true }),
    training: Type.Record(Type.String(), Type.Unknown(), { description: 'As trained, with the seed.' }),
    seed: Type.Union([Type.Integer(), Type.Null()]),
    engine: Type.Object({
      name: Type.String(),
      device: Type.String(),
      versions: Type.Record(Type.String(), Type.String()),
    }),
    submittedBy: Type.Union([ActorSchema, Type.Null()], {
      description: 'Who submitted the job; null: an earlier release took it in.',
    }),
  },
  { title: 'Lineage' },
)

/** What a version came from. */
export type Lineage = Type.Static<typeof LineageSchema>

/** What only the database knows of a version's origin. */
export type Origin = Pick<Lineage, 'dataset' | 'submittedBy'>

/** The lineage of a version that a job made. */
export function describeLineage(
  { network, training, engine }: Pick<Manifest, 'network' | 'training' | 'engine'>,
  origin: Origin,
): Lineage {
  const { seed } = training
  return { ...origin, network, training, seed: typeof seed === 'number' ? seed : null, engine }
}
