import { Type } from 'typebox'
import { FeatureStatisticsSchema, SplitNameSchema } from '../schemas.ts'

const DuplicatesSchema = Type.Object(
  {
    sampledShare: Type.Number({
      description:
        'Share of the different rows that was looked at, chosen by hash; 1: all, so that the counts are exact. Below, ' +
        'of more than 2^19 different rows, they are estimates.',
    }),
    splits: Type.Record(
      Type.String(),
      Type.Object({
        repeated: Type.Integer({ description: 'Examples with the features of an earlier one of the split.' }),
        contradictory: Type.Integer({
          description: 'Examples with the features of an earlier one of any split, and another label.',
        }),
      }),
    ),
    shared: Type.Array(
      Type.Object({
        split: SplitNameSchema,
        with: SplitNameSchema,
        examples: Type.Integer({ description: 'Of `split`, with the features of one of `with`: a leak.' }),
      }),
      { description: 'Each pair of splits.' },
    ),
  },
  {
    title: 'Duplicates',
    description: 'Examples whose features are equal to the bit; ids of a table are not compared.',
  },
)

/** Examples whose features are equal. */
export type Duplicates = Type.Static<typeof DuplicatesSchema>

const orNull = <Schema extends Type.TSchema>(schema: Schema, options: Type.TSchemaOptions = {}) =>
  Type.Union([schema, Type.Null()], options)

/** A number, or a date as ISO 8601. */
const Value = Type.Union([Type.Number(), Type.String()])

const HistogramSchema = Type.Object({
  from: Value,
  to: Value,
  counts: Type.Array(Type.Integer(), {
    description: 'Of bins of equal width; each but the last without its end.',
  }),
})

const OutliersSchema = Type.Object(
  {
    below: Type.Integer(),
    above: Type.Integer(),
    lowerFence: orNull(Value),
    upperFence: orNull(Value),
  },
  {
    description:
      'Values beyond a fence, which is 1.5 times the distance of the quartiles away from the nearer one.',
  },
)

const CorrelationSchema = Type.Object({
  target: Type.String({ description: 'Target or class.' }),
  measure: Type.Enum(['pearson', 'pointBiserial', 'correlationRatio', 'cramersV'] as const, {
    description:
      'Of two numbers Pearson’s r, −1 … 1; of a number and whether a class holds, the same as point-biserial r; of a ' +
      'number and categories the correlation ratio η, 0 … 1; of categories and classes Cramér’s V, 0 … 1.',
  }),
  value: orNull(Type.Number(), { description: 'Null where one of both never changes.' }),
})

/** How a column goes with what is to be learnt. */
export type Correlation = Type.Static<typeof CorrelationSchema>

const Correlations = orNull(Type.Array(CorrelationSchema), {
  description:
    'With each target, or each class that is one of many; null where there are too many to look at: more than 2^32 ' +
    'examples, columns and targets multiplied.',
})

const Spread = {
  min: orNull(Value),
  quartiles: orNull(Type.Array(Value, { minItems: 3, maxItems: 3 }), {
    description: 'The middle one is the median. Interpolated between neighbours, as NumPy does.',
  }),
  max: orNull(Value),
  mean: orNull(Value),
  standardDeviation: orNull(Type.Number(), { description: 'Divided by the count; of dates in days.' }),
  outliers: orNull(OutliersSchema),
  histogram: orNull(HistogramSchema),
}

const Counts = {
  count: Type.Integer({ description: 'Examples with a value.' }),
  missing: Type.Integer(),
  distinct: Type.Integer({ description: 'Different values: exact up to 256, ± 2.3 % beyond.' }),
}

const NumberColumn = Type.Object({
  name: Type.String(),
  type: Type.Enum(['numeric', 'datetime'] as const),
  ...Counts,
  ...Spread,
  correlations: Correlations,
})

const CategoryColumn = Type.Object({
  name: Type.String(),
  type: Type.Enum(['boolean', 'categorical'] as const),
  ...Counts,
  top: Type.Array(
    Type.Object({ value: Type.Union([Type.String(), Type.Boolean()]), count: Type.Integer() }),
    {
      description: 'The most frequent values, 20 at most.',
    },
  ),
  correlations: Correlations,
})

const IgnoredColumn = Type.Object({
  name: Type.String(),
  type: Type.Enum(['id', 'text'] as const),
  ...Counts,
})

const ColumnStatisticsSchema = Type.Union([NumberColumn, CategoryColumn, IgnoredColumn], {
  title: 'ColumnStatistics',
})

/** Figures about a column. */
export type ColumnStatistics = Type.Static<typeof ColumnStatisticsSchema>

const TargetStatisticsSchema = Type.Object({ name: orNull(Type.String()), ...Counts, ...Spread })

/** Figures about a number to be learnt. */
export type TargetStatistics = Type.Static<typeof TargetStatisticsSchema>

const ArrayStatisticsSchema = Type.Object(
  {
    mean: Type.Array(Type.Number(), { description: 'Of each feature, row by row: the mean image.' }),
    constant: Type.Integer({ description: 'Features that are the same in every example.' }),
    constantShare: Type.Number(),
    histogram: HistogramSchema,
  },
  { description: 'Of all features together. Of bytes the histogram has a bin for each value.' },
)

/** Figures about features without names. */
export type ArrayStatistics = Type.Static<typeof ArrayStatisticsSchema>

const Look = {
  quartilesFrom: orNull(Type.Integer(), {
    description:
      'Examples that quartiles are taken from: all, or a random sample where they are more than 100,000, or columns ' +
      'are many. Null where there are none.',
  }),
  columns: orNull(Type.Array(ColumnStatisticsSchema), { description: 'Null where features have no names.' }),
  targets: Type.Array(TargetStatisticsSchema, { description: 'Of a regression.' }),
  features: orNull(ArrayStatisticsSchema, { description: 'Null where features have names.' }),
}

/** What a second look at the training split finds. */
export type TrainingLook = Type.Static<Type.TObject<typeof Look>>

/** Figures about a dataset. */
export const DatasetStatisticsSchema = Type.Object(
  {
    splits: Type.Record(Type.String(), FeatureStatisticsSchema),
    duplicates: DuplicatesSchema,
    ...Look,
    warnings: Type.Array(Type.String(), { description: 'Those of the dataset, and what the figures say.' }),
  },
  {
    title: 'DatasetStatistics',
    description: 'Columns, targets and features are those of the training split, which models learn from.',
  },
)

/** Figures about a dataset. */
export type DatasetStatistics = Type.Static<typeof DatasetStatisticsSchema>
