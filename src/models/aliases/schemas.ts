import { Type } from 'typebox'
import { pageOf } from '../../pagination.ts'
import { ActorSchema } from '../lineage.ts'
import { ModelVersionSchema } from '../schemas.ts'
import { GatesSchema } from './gates.ts'
import { AllocationSchema } from './state.ts'

const Who = Type.Union([ActorSchema, Type.Null()])

/** An alias on the wire. */
export const AliasSchema = Type.Object(
  {
    alias: Type.String(),
    version: Type.Integer({ description: 'The one with the greatest weight.' }),
    ...AllocationSchema.properties,
    move: Type.Integer({
      description: 'Id of the move that made it so, see the history; 0: an earlier release.',
    }),
    updatedAt: Type.String({ format: 'date-time' }),
  },
  { title: 'Alias' },
)

/** An alias on the wire. */
export type AliasState = Type.Static<typeof AliasSchema>

/** What a move answers: the version, and where the traffic of the alias goes now. */
export const MovedAliasSchema = Type.Object(
  { ...ModelVersionSchema.properties, ...AllocationSchema.properties },
  { title: 'Version of an alias' },
)

/** A change of an alias. */
export const AliasMoveSchema = Type.Object(
  {
    id: Type.Integer(),
    kind: Type.Enum(['set', 'rollback', 'delete'] as const),
    from: Type.Union([AllocationSchema, Type.Null()], { description: 'Null: the alias did not exist.' }),
    to: Type.Union([AllocationSchema, Type.Null()], { description: 'Null: the alias was removed.' }),
    reason: Type.Union([Type.String(), Type.Null()]),
    forced: Type.Boolean({ description: 'Whether it failed gates and was made with `force`.' }),
    overridden: Type.Array(Type.String(), { description: 'The gates that it failed.' }),
    undoes: Type.Union([Type.Integer(), Type.Null()], {
      description: 'Of a rollback: the move that it takes back.',
    }),
    by: Who,
    at: Type.String({ format: 'date-time' }),
  },
  { title: 'Move of an alias' },
)

/** A change of an alias. */
export type AliasMove = Type.Static<typeof AliasMoveSchema>

/** A page of moves. */
export const AliasMovePageSchema = pageOf(AliasMoveSchema)

/** The gates of an alias on the wire. */
export const AliasGatesSchema = Type.Object(
  { ...GatesSchema.properties, by: Who, updatedAt: Type.String({ format: 'date-time' }) },
  { title: 'Gates of an alias' },
)

/** The gates of an alias on the wire. */
export type AliasGates = Type.Static<typeof AliasGatesSchema>
