import type { ColumnEncoder } from '../../tables/column-encoder.ts'

/** A place in the objects of a file that values come from: a key, a key within a key, or an element of an array. */
export interface Field {
  /** `key`, `outer.inner` or `key.0`; of the outermost object nothing. */
  name: string
  /** Its key as it was last written, with quotes; of an element nothing. */
  key: Buffer
  /** What it holds, null not counted; `unknown` until then. */
  holds: 'unknown' | 'value' | 'object' | 'array'
  fields: Map<string, Field>
  /** The fields as they last came one after the other, so that the next one can be guessed. */
  order: Field[]
  /** Of an array: its elements. */
  elements: Field[]
  /** The number of the object that it was last in. */
  object: number
  /** Null of what is no column, and of a column that is new. */
  encoder: ColumnEncoder | null
}

/** What the objects of all files of an upload have. */
export interface Fields {
  readonly root: Field
  count: number
  /** Objects that were read, those that were read twice counted twice. */
  objects: number
}

/** The fields of no objects. */
export function createFields(): Fields {
  return { root: { ...createField('', Buffer.alloc(0)), holds: 'object' }, count: 0, objects: 0 }
}

/** A field that was never seen. */
export function createField(name: string, key: Buffer): Field {
  return {
    name,
    key,
    holds: 'unknown',
    fields: new Map(),
    order: [],
    elements: [],
    object: 0,
    encoder: null,
  }
}

/** The fields that are columns, in the order of their first appearance: those that hold no others. */
export function* columnsOf(field: Field): Generator<Field> {
  if (field.holds === 'value' || field.holds === 'unknown') yield field
  for (const inner of field.fields.values()) yield* columnsOf(inner)
  for (const element of field.elements) yield element
}

/** Forgets the encoders of a field and of all in it. */
export function forgetEncoders(field: Field): void {
  field.encoder = null
  for (const inner of field.fields.values()) forgetEncoders(inner)
  for (const element of field.elements) element.encoder = null
}
