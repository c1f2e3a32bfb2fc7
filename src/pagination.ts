import { Type } from 'typebox'

/**
 * Query of every list.
 * @param cursor - pattern of the list's cursors
 */
export function pageQuery(cursor: string) {
  return {
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 100, default: 20, description: 'Items at most.' }),
    ),
    after: Type.Optional(
      Type.String({ pattern: cursor, maxLength: 200, description: '`nextCursor` of the page before.' }),
    ),
  }
}

/** The envelope of every list. */
export function pageOf<Item extends Type.TSchema>(item: Item) {
  return Type.Object({
    data: Type.Array(item),
    hasMore: Type.Boolean({ description: 'Whether there are items after these.' }),
    nextCursor: Type.Union([Type.String(), Type.Null()], {
      description: 'To be given as `after`; null on the last page.',
    }),
  })
}

/** A page of items. */
export interface Page<Item> {
  data: Item[]
  hasMore: boolean
  nextCursor: string | null
}

/**
 * Cuts a page from rows that were read with one more than `limit`.
 * @param cursorOf - the cursor that continues after an item
 */
export function toPage<Row, Item>(
  rows: readonly Row[],
  limit: number,
  present: (row: Row) => Item,
  cursorOf: (row: Row) => string,
): Page<Item> {
  const kept = rows.slice(0, limit)
  const last = kept.at(-1)
  const hasMore = rows.length > limit
  return {
    data: kept.map(present),
    hasMore,
    nextCursor: hasMore && last !== undefined ? cursorOf(last) : null,
  }
}
