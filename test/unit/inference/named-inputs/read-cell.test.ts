import { expect, it } from 'vitest'
import type { Column } from '../../../../src/datasets/columns.ts'
import { createCellReader } from '../../../../src/inference/named-inputs/read-cell.ts'

const about = { name: 'x', missing: 0, isConstant: false }
const numeric: Column = { ...about, type: 'numeric' }
const boolean: Column = { ...about, type: 'boolean' }
const datetime: Column = { ...about, type: 'datetime', hasTime: true }
const categorical: Column = {
  ...about,
  type: 'categorical',
  categories: ['Bern', '7', 'true'],
  counts: [1, 1, 1],
}

it.each<[string, Column, unknown, number | null]>([
  ['a number', numeric, 1.5, 1.5],
  ['a text of a number', numeric, '-1.5e3', -1500],
  ['a text of no number', numeric, 'many', null],
  ['an infinite number', numeric, Number.POSITIVE_INFINITY, null],
  ['an infinite text', numeric, '1e999', null],
  ['a truth value for a number', numeric, true, null],
  ['a list for a number', numeric, [1], null],
  ['a truth value', boolean, true, 1],
  ['0 for a truth value', boolean, 0, 0],
  ['2 for a truth value', boolean, 2, null],
  ['a text of a truth value', boolean, 'No', 0],
  ['another text for a truth value', boolean, 'maybe', null],
  ['a date', datetime, '1970-01-02', 86_400_000],
  ['milliseconds', datetime, 1_000, 1_000],
  ['no date', datetime, '1970-02-30', null],
  ['a category', categorical, 'Bern', 0],
  ['a category that is a number', categorical, 7, 1],
  ['a category that is a truth value', categorical, true, 2],
  ['a category that the data does not have', categorical, 'Oslo', -1],
  ['an object for a category', categorical, {}, null],
  ['null', numeric, null, Number.NaN],
  ['NaN', categorical, Number.NaN, Number.NaN],
  ['a word for nothing', datetime, 'N/A', Number.NaN],
])('%s', (_, column, value, cell) => {
  expect(createCellReader(column)(value)).toBe(cell)
})
