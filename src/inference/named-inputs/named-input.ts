/** Numbers as they lie in memory. */
export type Numbers =
  | Float32Array
  | Float64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigUint64Array
  | BigInt64Array

/** The values of an input in their order, the last dimension fastest. */
export type TensorValues =
  | { kind: 'numbers'; numbers: Numbers; shape: readonly number[] }
  /** Anything: texts, files, truth values, numbers with holes in them. */
  | { kind: 'elements'; elements: readonly unknown[]; shape: readonly number[] }

/** An input of a request. */
export interface NamedInput {
  name: string
  values: TensorValues
  /** Where it stands in the request, for errors. */
  pointer: string
  /** Where one of its values does. */
  pointerOf: (index: number) => string
}

/** What a value is, in few words: it may be large. */
export function nameOf(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (Buffer.isBuffer(value)) return JSON.stringify(value.toString('utf8', 0, 40))
  if (typeof value === 'object' && value !== null) return 'an object'
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : String(value)
}
