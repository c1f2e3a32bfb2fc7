import { AppError, fieldError } from '../../errors.ts'
import { type ImportOptions, readImportOptions } from './options.ts'
import { FILE_PARTS, type ImportFiles } from './read-model-file.ts'

/** One part of a multipart body, in order. */
export type ImportPart =
  | { kind: 'field'; name: string; value: string }
  | { kind: 'file'; name: string; content: AsyncIterable<Buffer> }

/** Bytes of all files of an import at most: float32 of the largest network, and what describes it. */
export const IMPORT_BYTES_MAX = 256 * 1024 ** 2

/**
 * Takes the parts of an import into memory.
 * @throws {AppError} VALIDATION_FAILED, PAYLOAD_TOO_LARGE, and of the parts
 */
export async function receiveImport(
  parts: AsyncIterable<ImportPart>,
): Promise<{ files: ImportFiles; options: ImportOptions }> {
  const files = new Map<string, Buffer>()
  let options: ImportOptions | null = null
  let bytes = 0
  for await (const part of parts) {
    const isGivenTwice = part.kind === 'field' ? options !== null : files.has(part.name)
    if (isGivenTwice)
      throw fieldError('VALIDATION_FAILED', `/${part.name}`, `the part ${part.name} must be given once`)
    if (part.kind === 'field') {
      assertName(part.name, ['options'], 'text')
      options = readImportOptions(part.value)
      continue
    }
    assertName(part.name, FILE_PARTS, 'file')
    const pieces: Buffer[] = []
    for await (const piece of part.content) {
      bytes += piece.length
      if (bytes > IMPORT_BYTES_MAX) {
        throw new AppError('PAYLOAD_TOO_LARGE', `an import may have ${IMPORT_BYTES_MAX} bytes; received more`)
      }
      pieces.push(piece)
    }
    files.set(part.name, join(pieces))
  }
  if (files.size === 0) throw fieldError('VALIDATION_FAILED', '/file', 'a file is required; received none')
  return { files, options: options ?? {} }
}

/** In memory of its own, so that it can be handed to a thread. */
function join(pieces: readonly Buffer[]): Buffer {
  const joined = Buffer.allocUnsafeSlow(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const piece of pieces) at += piece.copy(joined, at)
  return joined
}

function assertName(name: string, known: readonly string[], kind: 'text' | 'file'): void {
  if (known.includes(name)) return
  const detail = `${kind} parts must be ${known.join(', ')}; received ${name}`
  throw fieldError('VALIDATION_FAILED', `/${name}`, detail)
}
