import { Value } from 'typebox/value'
import { AppError, fieldError } from '../errors.ts'
import type { MatchedInput } from './match-dataset.ts'
import { type ReceiveDeps, receiveRows } from './receive-rows.ts'
import {
  type ModelReference,
  ModelReferenceSchema,
  type OutputFormat,
  OutputFormatSchema,
} from './schemas.ts'
import type { ChosenModel } from './submit.ts'

/** One part of a multipart upload, in the order of the body. */
export type UploadPart =
  | { kind: 'field'; name: string; value: string }
  | { kind: 'file'; name: string; content: AsyncIterable<Buffer> }

/** What an upload asks for. */
export interface ReceivedUpload extends MatchedInput {
  model: ChosenModel
  output: OutputFormat
}

const TEXT_PARTS = ['model', 'version', 'alias', 'output']

/**
 * Takes the parts of an upload in as they arrive: texts, then one file.
 * @throws {AppError} MALFORMED_REQUEST, VALIDATION_FAILED, INPUT_INVALID, PAYLOAD_TOO_LARGE, and of `choose`
 */
export async function receiveUpload(
  deps: ReceiveDeps & { choose(reference: ModelReference): Promise<ChosenModel> },
  parts: AsyncIterable<UploadPart>,
): Promise<ReceivedUpload> {
  const texts = new Map<string, string>()
  let received: ReceivedUpload | null = null
  for await (const part of parts) {
    if (received) {
      const detail = `one file must be the last part; received ${part.name} after it`
      throw new AppError('MALFORMED_REQUEST', detail)
    }
    if (part.kind === 'field') readText(texts, part.name, part.value)
    else received = await receiveFile(deps, texts, part)
  }
  if (received) return received
  throw fieldError('VALIDATION_FAILED', '/file', 'a file is required; received none')
}

function readText(texts: Map<string, string>, name: string, value: string): void {
  const refuse = (detail: string) => fieldError('VALIDATION_FAILED', `/${name}`, detail)
  if (!TEXT_PARTS.includes(name))
    throw refuse(`text parts must be ${TEXT_PARTS.join(', ')}; received ${name}`)
  if (texts.has(name)) throw refuse(`the part ${name} must be given once`)
  texts.set(name, value)
}

async function receiveFile(
  deps: Parameters<typeof receiveUpload>[0],
  texts: ReadonlyMap<string, string>,
  { name, content }: Extract<UploadPart, { kind: 'file' }>,
): Promise<ReceivedUpload> {
  if (name !== 'file')
    throw fieldError('VALIDATION_FAILED', `/${name}`, `the file part must be file; received ${name}`)
  const output = texts.get('output') ?? 'csv'
  if (!Value.Check(OutputFormatSchema, output)) {
    throw fieldError(
      'VALIDATION_FAILED',
      '/output',
      `output must be csv, jsonl or parquet; received ${output}`,
    )
  }
  const model = await deps.choose(readReference(texts))
  return { ...(await receiveRows(deps, model.manifest, content)), model, output }
}

/** @throws {AppError} VALIDATION_FAILED */
function readReference(texts: ReadonlyMap<string, string>): ModelReference {
  const name = texts.get('model')
  if (name === undefined) {
    throw fieldError('VALIDATION_FAILED', '/model', 'a text part model is required before the file')
  }
  const [version, alias] = [texts.get('version'), texts.get('alias')]
  const reference = {
    name,
    ...(version !== undefined && { version: Number(version) }),
    ...(alias !== undefined && { alias }),
  }
  if (Value.Check(ModelReferenceSchema, reference)) return reference
  const [wrong] = Value.Errors(ModelReferenceSchema, reference)
  const field = wrong?.instancePath.slice(1) ?? ''
  throw fieldError(
    'VALIDATION_FAILED',
    `/${field === 'name' ? 'model' : field}`,
    `${wrong?.message}; received ${texts.get(field === 'name' ? 'model' : field)}`,
  )
}
