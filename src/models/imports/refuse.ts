import { type AppError, fieldError } from '../../errors.ts'

/** A file that is not taken, and why. */
export function refuse(detail: string): AppError {
  return fieldError('MODEL_FILE_INVALID', '/file', detail)
}
