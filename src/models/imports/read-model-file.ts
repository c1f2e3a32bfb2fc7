import { createHash } from 'node:crypto'
import { fieldError } from '../../errors.ts'
import type { Imported } from '../origin.ts'
import { type AssembledModel, assembleModel } from './assemble.ts'
import { isKerasArchive, readKeras } from './keras/read-keras.ts'
import type { ModelFile } from './model-file.ts'
import { readOnnx } from './onnx/read-onnx.ts'
import type { ImportOptions } from './options.ts'
import { quote } from './parse-json.ts'
import { readArchive } from './read-archive.ts'
import { refuse } from './refuse.ts'
import { MODEL_JSON, readTfjs } from './tfjs/read-tfjs.ts'

/** Parts of an import: one file, or the two that `model.save` of TensorFlow.js sends. */
export const FILE_PARTS = ['file', MODEL_JSON, 'model.weights.bin'] as const

/** The files of an import, by the names of their parts. */
export type ImportFiles = ReadonlyMap<string, Buffer>

/** A model that was read, and what it was read from. */
export interface ReadModel {
  model: AssembledModel
  imported: Imported
}

/**
 * Reads a model of another program as data: what it is, is found out by its bytes. Nothing in it is run, and no name in
 * it is a path.
 * @throws {AppError} MODEL_FILE_INVALID, VALIDATION_FAILED
 */
export async function readModelFile(files: ImportFiles, options: ImportOptions): Promise<ReadModel> {
  const file = await readFormat(files)
  if (options.format !== undefined && options.format !== file.format) {
    const detail = `the file must be ${options.format}; it is ${file.format}`
    throw fieldError('VALIDATION_FAILED', '/options/format', detail)
  }
  const { format, generatedBy } = file
  return { model: assembleModel(file, options), imported: { format, generatedBy, ...describeFiles(files) } }
}

async function readFormat(files: ImportFiles): Promise<ModelFile> {
  const [file, weights] = [files.get('file'), files.get('model.weights.bin')]
  if (!file) return readTfjs(files, () => weights)
  if (files.size > 1)
    throw refuse(
      'file must be the only file; a model in two files has the parts model.json and model.weights.bin',
    )
  const known = KNOWN_OTHERS.find(({ starts }) =>
    starts.some(start => file.subarray(0, start.length).equals(start)),
  )
  if (known) throw refuse(`${known.what} is not taken: ${known.advice}`)
  if (!file.subarray(0, ZIP.length).equals(ZIP)) return readOnnx(file)
  const archive = await readArchive(file)
  if (isKerasArchive(archive)) return await readKeras(archive)
  if (archive.has(MODEL_JSON)) return readTfjs(archive)
  const names = quote([...archive.keys()].slice(0, 5))
  throw refuse(
    `an archive must hold model.json of TensorFlow.js, or config.json and model.weights.h5 of Keras 3; received ${names}`,
  )
}

/** @see PKWARE, "APPNOTE.TXT - .ZIP File Format Specification", section 4.3.7 */
const ZIP = Buffer.from('PK\x03\x04', 'latin1')

/** What people have, and what they should save instead. */
const KNOWN_OTHERS = [
  {
    starts: [Buffer.from('\x89HDF\r\n\x1a\n', 'latin1')],
    what: 'an HDF5 file',
    advice: 'load it with Keras 3 and save it as .keras',
  },
  {
    starts: [2, 3, 4, 5].map(protocol => Buffer.from([0x80, protocol])),
    what: 'a pickle',
    advice: 'reading one runs what is in it; export the model as ONNX',
  },
  {
    starts: [Buffer.from([0x1f, 0x8b])],
    what: 'a gzip file',
    advice: 'send the files as ZIP',
  },
]

/** One file by its own hash; of several the hash of their hashes, by the names of their parts. */
function describeFiles(files: ImportFiles): Pick<Imported, 'sha256' | 'bytes'> {
  const hashed = [...files].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, content]) => hashOf(content))
  const bytes = [...files.values()].reduce((sum, { length }) => sum + length, 0)
  const [only] = hashed
  return {
    sha256: only !== undefined && hashed.length === 1 ? only : hashOf(Buffer.from(hashed.join('\n'))),
    bytes,
  }
}

function hashOf(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}
