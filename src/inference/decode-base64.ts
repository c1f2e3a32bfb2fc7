import { AppError } from '../errors.ts'

/**
 * The bytes of an image in text.
 * @param pointer - where the text stands, for the error
 * @see RFC 4648, section 4; a data URL's head (RFC 2397) is taken off
 * @throws {AppError} IMAGE_INVALID
 */
export function decodeBase64(text: string, pointer: string): Buffer {
  const encoded = text.replace(/^data:[^,]{0,100},/, '')
  // Looks for what is wrong: a pattern of what is right goes back and forth over long spaces.
  if (/[^A-Za-z0-9+/=\s]|=\s*[^=\s]/.test(encoded)) {
    const detail = 'an image must be base64 (RFC 4648, section 4); received other characters'
    throw new AppError('IMAGE_INVALID', detail, { errors: [{ pointer, detail }] })
  }
  return Buffer.from(encoded, 'base64')
}
