import { Type } from 'typebox'
import { fieldError } from '../../errors.ts'

/** Versions that an alias may be split over. */
const TARGETS_MAX = 10

const Version = Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 })

/** A part of the traffic of an alias. */
const TargetSchema = Type.Object(
  {
    version: Version,
    weight: Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      description: 'Relative to the sum of the weights.',
    }),
  },
  { additionalProperties: false },
)

/** Where the traffic of an alias goes. */
export const AllocationSchema = Type.Object({
  targets: Type.Array(TargetSchema, { description: 'Who answers, by version.' }),
  shadow: Type.Union([Version, Type.Null()], {
    description: 'Computes the same besides, for comparison; null: none.',
  }),
})

/** Where the traffic of an alias goes. */
export type Allocation = Type.Static<typeof AllocationSchema>

/** What an alias does with its traffic. */
export interface Traffic extends Allocation {
  alias: string
  /** The move that made it so; 0: an earlier release did. Counts begin anew with each. */
  move: number
}

/** An alias as a request sets it: one version, or several by weight. */
export const AliasRequestSchema = Type.Object(
  {
    version: Type.Optional(Version),
    targets: Type.Optional(Type.Array(TargetSchema, { minItems: 1, maxItems: TARGETS_MAX })),
    shadow: Type.Optional(Type.Union([Version, Type.Null()])),
    reason: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 1_000,
        pattern: '^[^\\0\\p{Cs}]*$',
        description: 'For the history.',
      }),
    ),
  },
  { additionalProperties: false, title: 'Alias request' },
)

/** An alias as a request sets it. */
export type AliasRequest = Type.Static<typeof AliasRequestSchema>

/** The allocation that a request means. @throws {AppError} VALIDATION_FAILED */
export function readAllocation({ version, targets, shadow = null }: AliasRequest): Allocation {
  if ((version === undefined) === (targets === undefined)) {
    const received = version === undefined ? 'neither' : 'both'
    throw fieldError(
      'VALIDATION_FAILED',
      '/version',
      `either version or targets is required; received ${received}`,
    )
  }
  const wanted = targets ?? [{ version: version ?? 0, weight: 100 }]
  const twice = wanted.findIndex(
    (one, index) => wanted.findIndex(same => same.version === one.version) < index,
  )
  if (twice !== -1) {
    const pointer = `/targets/${twice}/version`
    throw fieldError(
      'VALIDATION_FAILED',
      pointer,
      'each version must be named once; this one is named before',
    )
  }
  if (wanted.some(target => target.version === shadow)) {
    throw fieldError(
      'VALIDATION_FAILED',
      '/shadow',
      'the shadow must be a version that does not answer itself',
    )
  }
  // The weight of a version alone means nothing, so it is written one way.
  const [only] = wanted
  const alone = wanted.length === 1 && only ? [{ version: only.version, weight: 100 }] : null
  return { targets: alone ?? [...wanted].sort((a, b) => a.version - b.version), shadow }
}

/** The version that an alias means where one is wanted: the one with the greatest weight, of equal ones the oldest. */
export function mainVersion({ targets }: Allocation): number {
  const [first, ...others] = targets
  if (!first) throw new Error('an alias must have a target')
  return others.reduce((main, target) => (target.weight > main.weight ? target : main), first).version
}
