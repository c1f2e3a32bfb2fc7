import { Type } from 'typebox'
import { pageOf } from '../../pagination.ts'
import { McNemarSchema } from './mcnemar.ts'

const MaybeNumber = Type.Union([Type.Number(), Type.Null()])

/** A number of both versions; null where one has none. */
const SideBySide = Type.Object({
  a: MaybeNumber,
  b: MaybeNumber,
  difference: Type.Union([Type.Number(), Type.Null()], { description: '`b` − `a`.' }),
})

const Side = Type.Object({
  version: Type.Integer(),
  dataset: Type.Object({ id: Type.String(), sha256: Type.String() }),
  parameterCount: Type.Integer(),
})

/** Two versions of a model, side by side. */
export const ComparisonSchema = Type.Object(
  {
    a: Side,
    b: Side,
    examples: Type.Object({
      split: Type.String({ description: 'Of the dataset: where the examples stand.' }),
      count: Type.Integer(),
      sha256: Type.String({ description: 'Equal for equal examples and classes.' }),
    }),
    metrics: Type.Record(Type.String(), SideBySide, { description: 'As the versions have them.' }),
    classes: Type.Array(
      Type.Object({
        label: Type.String(),
        support: Type.Integer(),
        precision: SideBySide,
        recall: SideBySide,
        f1: SideBySide,
      }),
    ),
    confusionDifference: Type.Object({
      labels: Type.Array(Type.String()),
      counts: Type.Array(Type.Array(Type.Integer()), {
        description: '`counts[actual][predicted]` of b less those of a.',
      }),
    }),
    mcnemar: McNemarSchema,
    changed: Type.Object(
      pageOf(
        Type.Object({
          index: Type.Integer({ description: 'Of the example in the split.' }),
          actual: Type.String(),
          a: Type.String(),
          b: Type.String(),
        }),
      ).properties,
      { description: 'Examples that the two took for different classes, by index.' },
    ),
  },
  { title: 'Comparison' },
)

/** Two versions of a model, side by side. */
export type Comparison = Type.Static<typeof ComparisonSchema>
