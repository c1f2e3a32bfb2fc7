import { buffer } from 'node:stream/consumers'
import { ZipFile } from 'yazl'
import { createPredictor } from '../../src/inference/predictor.ts'
import { ARTIFACT_FILES, writeArtifact } from '../../src/models/artifact.ts'
import type { ImportOptions } from '../../src/models/imports/options.ts'
import { type ReadModel, readModelFile } from '../../src/models/imports/read-model-file.ts'
import { createDiskBlobStore } from '../../src/storage/disk-blob-store.ts'
import type { ExportCase } from './exported-models.ts'
import { createTestFolder } from './folder.ts'

/** A ZIP archive of some files. */
export async function zipOf(
  files: Record<string, Uint8Array | string | object>,
  compress = true,
): Promise<Buffer> {
  const zip = new ZipFile()
  for (const [name, content] of Object.entries(files)) {
    const isBytes = typeof content === 'string' || content instanceof Uint8Array
    zip.addBuffer(Buffer.from(isBytes ? content : JSON.stringify(content)), name, { compress })
  }
  zip.end()
  return buffer(zip.outputStream as NodeJS.ReadableStream)
}

/** Reads the part `file` of an import. */
export function readFilePart(content: Uint8Array, options: ImportOptions = {}): Promise<ReadModel> {
  return readModelFile(new Map([['file', Buffer.from(content)]]), options)
}

/** What an imported model answers. */
export function answersOf(
  { model }: ReadModel,
  features: Float32Array | Float64Array,
  count: number,
): Float32Array {
  const { weights, ...described } = model
  const manifest = {
    ...described,
    format: 'trainyard-model/1' as const,
    jobId: null,
    dataset: null,
    loss: null,
    training: {},
    metrics: {},
    engine: null,
    weights: [],
    files: {},
  }
  return createPredictor({ manifest, weights }).predict(features, count)
}

/** The files of a version, as a download has them. */
export async function artifactFiles({ model }: ExportCase): Promise<Record<string, Buffer>> {
  const { manifest, weights } = model
  const blobs = createDiskBlobStore(await createTestFolder())
  const variables = manifest.weights.map(weight => ({ ...weight, role: 'weight' as const }))
  const program = { variables } as unknown as Parameters<typeof writeArtifact>[1] // names and shapes are all that is read
  const { files } = await writeArtifact(blobs, program, weights, manifest)
  const read = ARTIFACT_FILES.map(async name => [name, await blobs.read(files[name])] as const)
  return Object.fromEntries(await Promise.all(read))
}
