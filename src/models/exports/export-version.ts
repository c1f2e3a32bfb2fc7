import type { Readable } from 'node:stream'
import type { BlobStore } from '../../storage/blob-store.ts'
import { ARTIFACT_FILES, readArtifact, readArtifactFile } from '../artifact.ts'
import type { StoredVersion } from '../repository.ts'
import { createArchive } from './archive.ts'
import { describeExport } from './describe.ts'
import { describeEncoding } from './encoding.ts'
import type { ExportedFile, ExportedModel } from './exported-model.ts'
import type { ExportFormat } from './format-names.ts'
import { FORMATS } from './formats.ts'
import { writeInThread } from './write-in-thread.ts'

/** A file to be downloaded. */
export interface Download {
  filename: string
  contentType: string
  content: Readable | Buffer
}

/**
 * Makes a version's file in a format, from its stored files and after all of them were checked against their hashes.
 * Nothing is kept: it takes milliseconds, and large ones are written in a thread of their own.
 * @throws {AppError} MODEL_DAMAGED
 */
export async function exportVersion(
  blobs: BlobStore,
  version: StoredVersion,
  format: ExportFormat,
): Promise<Download> {
  const { manifest, weights } = await readArtifact(blobs, version.files)
  const manifestFile = await readArtifactFile(blobs, version.files['manifest.json'])
  const model: ExportedModel = {
    name: version.name,
    version: version.version,
    manifest,
    weights,
    manifestText: manifestFile.toString('utf8'),
    createdAt: new Date(version.createdAt),
  }
  const base = `${model.name}-${model.version}`
  if (format === 'tfjs') {
    const files = ARTIFACT_FILES.map(async name => ({
      name,
      content: await readArtifactFile(blobs, version.files[name]),
    }))
    return toArchive(`${base}.zip`, [...(await Promise.all(files)), ...companions(format, model)], model)
  }
  const chosen = FORMATS[format]
  const filename = `${base}${chosen.suffix}`
  const files = await writeInThread(format, model)
  const [only] = files
  if (chosen.kind === 'file' && only) {
    const { buffer, byteOffset, byteLength } = only.content
    return { filename, contentType: chosen.contentType, content: Buffer.from(buffer, byteOffset, byteLength) }
  }
  const stored = { name: 'manifest.json', content: manifestFile }
  return toArchive(filename, [...files, stored, ...companions(format, model)], model)
}

function toArchive(
  filename: string,
  files: readonly ExportedFile[],
  { createdAt }: Pick<ExportedModel, 'createdAt'>,
): Download {
  return { filename, contentType: 'application/zip', content: createArchive(files, createdAt) }
}

/** What tells of a model beside it. */
function companions(format: ExportFormat, model: ExportedModel): ExportedFile[] {
  const encoding = describeEncoding(model.manifest)
  return [
    { name: 'README.md', content: Buffer.from(describeExport(format, model)) },
    ...(encoding ? [{ name: 'encoding.json', content: Buffer.from(JSON.stringify(encoding, null, 2)) }] : []),
  ]
}
