import { refuse } from './refuse.ts'

/** An object of JSON whose fields are not known yet. */
export type Fields = Readonly<Record<string, unknown>>

/** @throws {AppError} MODEL_FILE_INVALID unless the bytes are an object of JSON */
export function parseObject(bytes: Buffer, name: string): Fields {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    if (isFields(value)) return value
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
  }
  throw refuse(`${name} must be an object of JSON`)
}

/** Whether a value is an object, and no list. */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A value of a file in a message, not too long. */
export function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 100 ? `${text.slice(0, 100)}…` : text
}
