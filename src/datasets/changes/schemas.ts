import { Type } from 'typebox'
import { storable } from '../../names.ts'
import { SplitNameSchema } from '../schemas.ts'

/** Query of what changed. */
export const ChangesQuery = Type.Object(
  {
    since: Type.Optional(
      storable({
        description: 'A version of the same name, or the id of any dataset; default: the version before.',
      }),
    ),
  },
  { additionalProperties: false },
)

const VersionSchema = Type.Object({ id: Type.String(), name: Type.String(), version: Type.Integer() })

const names = (description: string) =>
  Type.Object({ added: Type.Array(Type.String()), removed: Type.Array(Type.String()) }, { description })

const RowsSchema = Type.Object(
  {
    equal: Type.Integer({ description: 'Examples that both have, in whatever split.' }),
    added: Type.Integer(),
    removed: Type.Integer(),
    sampledShare: Type.Number({
      description: 'Share of the different rows that was compared; below 1 the counts are estimates.',
    }),
  },
  {
    description: 'Examples are equal when features and labels are, categories and classes by their names.',
  },
)

/** What changed between two datasets. */
export const DatasetChangesSchema = Type.Object(
  {
    since: VersionSchema,
    dataset: VersionSchema,
    isEqual: Type.Boolean({ description: 'Both have the same content.' }),
    task: Type.Object({ before: Type.String(), after: Type.String() }),
    shape: Type.Object({ before: Type.Array(Type.Integer()), after: Type.Array(Type.Integer()) }),
    splits: Type.Array(
      Type.Object({
        split: SplitNameSchema,
        before: Type.Integer({ description: 'Examples; 0 when there is no such split.' }),
        after: Type.Integer(),
      }),
    ),
    classes: Type.Object({
      added: Type.Array(Type.String()),
      removed: Type.Array(Type.String()),
      counts: Type.Array(
        Type.Object({
          split: SplitNameSchema,
          class: Type.String(),
          before: Type.Integer(),
          after: Type.Integer(),
        }),
        { description: 'Of the classes whose examples are more or fewer.' },
      ),
    }),
    columns: Type.Object({
      added: Type.Array(Type.String()),
      removed: Type.Array(Type.String()),
      retyped: Type.Array(Type.Object({ name: Type.String(), before: Type.String(), after: Type.String() })),
    }),
    targets: names('Columns to be learnt.'),
    rows: Type.Union([RowsSchema, Type.Null()], {
      description: 'Null where rows cannot be compared: tasks, targets, shapes or columns are not the same.',
    }),
  },
  { title: 'DatasetChanges' },
)

/** What changed between two datasets. */
export type DatasetChanges = Type.Static<typeof DatasetChangesSchema>
