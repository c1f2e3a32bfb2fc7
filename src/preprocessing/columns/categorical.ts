import { UNKNOWN_CATEGORY } from '../../datasets/columns.ts'
import { mostFrequent, present } from '../figures.ts'
import { type ColumnKind, type ColumnOf, ColumnOptionError, type EncodeCell } from './column-kind.ts'
import type { ColumnRequest } from './column-request.ts'

/** How a column of categories is prepared, with the defaults filled in. */
export interface CategoricalSpec {
  encode: 'oneHot' | 'ordinal'
  /** Those that are told apart; for `ordinal` in order. */
  categories: string[]
  /** One-hot: whether there is an input for all others. */
  rare: boolean
  impute: 'mostFrequent' | 'constant' | 'category'
  /** With `constant`. */
  fill?: string
  /** Ordinal: an input more, 1 where the category is missing or not told apart. */
  indicator: boolean
}

/** The figures of a column of categories. */
export interface FittedCategorical extends Omit<CategoricalSpec, 'fill' | 'impute'> {
  /** In place of a missing category; null: it is one of its own. */
  fill: string | null
}

const CATEGORIES_MAX = 100

/**
 * One-hot: an input for each category, one for the rare ones and those never seen, and one for missing ones. Ordinal:
 * the place in the list, from 0 to 1; what is not in the list counts as missing.
 * @see scikit-learn, OneHotEncoder with `handle_unknown='infrequent_if_exist'`, `min_frequency`, `max_categories`
 */
export const categorical: ColumnKind<'categorical', CategoricalSpec, FittedCategorical> = {
  options: ['impute', 'fill', 'indicator', 'encode', 'categories', 'rare', 'rareBelow', 'maxCategories'],
  resolve(column, request) {
    const { encode = 'oneHot' } = request
    const categories = categoriesOf(column, request, encode)
    const others = column.categories.some(
      (category, index) => (column.counts[index] ?? 0) > 0 && !categories.includes(category),
    )
    const isOneHot = encode === 'oneHot'
    const impute = request.impute ?? (isOneHot && column.missing > 0 ? 'category' : 'mostFrequent')
    assertImpute(impute, request, categories, isOneHot)
    return {
      encode,
      categories,
      rare: isOneHot && (request.rare ?? others),
      impute: impute as CategoricalSpec['impute'],
      ...(impute === 'constant' && { fill: String(request.fill) }),
      indicator: !isOneHot && (request.indicator ?? (column.missing > 0 || others)),
    }
  },
  inputs(spec) {
    const { encode, categories, rare, indicator } = spec
    const isMissingTold = 'impute' in spec ? spec.impute === 'category' : spec.fill === null
    if (encode === 'ordinal') return indicator ? ['place', 'is missing'] : ['place']
    return [
      ...categories.map(category => `is ${category}`),
      ...(rare ? ['is rare'] : []),
      ...(isMissingTold ? ['is missing'] : []),
    ]
  },
  fit(column, { impute, fill, ...spec }, cells) {
    if (impute !== 'mostFrequent') return { ...spec, fill: fill ?? null }
    const placeOf = new Map(spec.categories.map((category, place) => [category, place]))
    const places = present(cells).map(cell => placeOf.get(column.categories[cell] ?? '') ?? Number.NaN)
    return { ...spec, fill: spec.categories[mostFrequent(present(places)) ?? 0] ?? null }
  },
  width({ encode, categories, rare, fill, indicator }) {
    if (encode === 'ordinal') return indicator ? 2 : 1
    return categories.length + (rare ? 1 : 0) + (fill === null ? 1 : 0)
  },
  compile(column, fitted) {
    const placeOf = new Map(fitted.categories.map((category, place) => [category, place]))
    const places = Int32Array.from(column.categories, category => placeOf.get(category) ?? -1)
    const fill = fitted.fill === null ? -1 : (placeOf.get(fitted.fill) ?? -1)
    const find = (cell: number) => (cell === UNKNOWN_CATEGORY ? -1 : (places[cell] ?? -1))
    return fitted.encode === 'ordinal' ? ordinal(fitted, find, fill) : oneHot(fitted, find, fill)
  },
}

function oneHot(
  { categories, rare, fill }: FittedCategorical,
  find: (cell: number) => number,
  fillPlace: number,
): EncodeCell {
  const count = categories.length
  const missingPlace = fill === null ? count + (rare ? 1 : 0) : fillPlace
  const width = count + (rare ? 1 : 0) + (fill === null ? 1 : 0)
  return (cell, inputs, at) => {
    inputs.fill(0, at, at + width)
    const place = Number.isNaN(cell) ? missingPlace : find(cell)
    if (place >= 0) inputs[at + place] = 1
    else if (rare) inputs[at + count] = 1
  }
}

function ordinal(
  { categories, indicator }: FittedCategorical,
  find: (cell: number) => number,
  fillPlace: number,
): EncodeCell {
  const last = Math.max(1, categories.length - 1)
  return (cell, inputs, at) => {
    const place = Number.isNaN(cell) ? -1 : find(cell)
    inputs[at] = (place >= 0 ? place : fillPlace) / last
    if (indicator) inputs[at + 1] = place >= 0 ? 0 : 1
  }
}

function categoriesOf(
  { categories, counts }: ColumnOf<'categorical'>,
  { categories: asked, rareBelow = 1, maxCategories = CATEGORIES_MAX }: ColumnRequest,
  encode: CategoricalSpec['encode'],
): string[] {
  if (asked) {
    const unknown = asked.find(category => !categories.includes(category))
    if (unknown === undefined) return asked
    throw new ColumnOptionError(
      'categories',
      `must be categories of the dataset; received ${JSON.stringify(unknown)}`,
    )
  }
  const most = encode === 'ordinal' ? Number.POSITIVE_INFINITY : maxCategories
  const kept = categories
    .map((category, index) => ({ category, count: counts[index] ?? 0 }))
    .filter(({ count }) => count >= rareBelow)
    .sort((a, b) => b.count - a.count)
    .slice(0, most)
    .map(({ category }) => category)
  if (kept.length === 0) {
    throw new ColumnOptionError('rareBelow', `must leave at least one category; received ${rareBelow}`)
  }
  return categories.filter(category => kept.includes(category))
}

function assertImpute(
  impute: string,
  { fill }: ColumnRequest,
  categories: readonly string[],
  isOneHot: boolean,
): void {
  const allowed = ['mostFrequent', 'constant', ...(isOneHot ? ['category'] : [])]
  if (!allowed.includes(impute)) {
    throw new ColumnOptionError('impute', `must be one of ${allowed.join(', ')} here; received ${impute}`)
  }
  if (impute === 'constant' && !(typeof fill === 'string' && categories.includes(fill))) {
    throw new ColumnOptionError('fill', `must be one of the categories; received ${JSON.stringify(fill)}`)
  }
}
