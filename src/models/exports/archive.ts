import type { Readable } from 'node:stream'
import { PassThrough } from 'node:stream'
import { ZipFile } from 'yazl'
import type { ExportedFile } from './exported-model.ts'

/**
 * A ZIP of files, as a stream. The same files and time give the same bytes. Numbers of a network hardly get smaller, so
 * only texts are compressed.
 * @param mtime - of all its files
 */
export function createArchive(files: readonly ExportedFile[], mtime: Date): Readable {
  const zip = new ZipFile()
  for (const { name, content } of files) {
    zip.addBuffer(Buffer.from(content.buffer, content.byteOffset, content.byteLength), name, {
      mtime,
      compress: /\.(json|md)$/.test(name),
    })
  }
  zip.end()
  return zip.outputStream.pipe(new PassThrough())
}
