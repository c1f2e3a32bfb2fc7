import { Type } from 'typebox'
import { TASKS } from '../mlp/task.ts'

const common = {
  name: Type.String(),
  missing: Type.Integer({ description: 'Training examples without a value.' }),
  isConstant: Type.Boolean({
    description: 'All training examples have the same value, so it teaches nothing.',
  }),
}

/**
 * A column of a table. Its cells are float64, and NaN where a value is missing:
 * - `numeric`: the number
 * - `boolean`: 0 or 1
 * - `categorical`: the index in `categories`
 * - `datetime`: milliseconds since 1970-01-01T00:00Z
 * - `id` and `text`: a hash of the value, which tells equal values and no more
 */
export const ColumnSchema = Type.Union(
  [
    Type.Object({ ...common, type: Type.Literal('numeric') }),
    Type.Object({ ...common, type: Type.Literal('boolean') }),
    Type.Object({
      ...common,
      type: Type.Literal('categorical'),
      categories: Type.Array(Type.String(), { description: 'Every value of all splits.' }),
      counts: Type.Array(Type.Integer(), { description: 'Training examples of each category.' }),
    }),
    Type.Object({
      ...common,
      type: Type.Literal('datetime'),
      hasTime: Type.Boolean({ description: 'Some value is not at midnight.' }),
    }),
    Type.Object({ ...common, type: Type.Literal('id') }),
    Type.Object({ ...common, type: Type.Literal('text') }),
  ],
  { title: 'Column' },
)

/** A column of a table: what its cells mean. */
export type Column = Type.Static<typeof ColumnSchema>

/** What a column holds. */
export type ColumnType = Column['type']

/** A cell with a category that the column does not have; only predictions meet it. */
export const UNKNOWN_CATEGORY = -1

/** What a dataset is to teach. */
export const TaskSchema = Type.Enum([...TASKS], {
  description: 'One of the classes, any number of them, or numbers.',
})

/** What a dataset is to teach. */
export type Task = Type.Static<typeof TaskSchema>
