import multipart from '@fastify/multipart'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { Database } from '../../db/client.ts'
import { AppError } from '../../errors.ts'
import { answerOnce } from '../../http/idempotency/answer-once.ts'
import { fingerprintParts } from '../../http/idempotency/fingerprint.ts'
import { readIdempotencyKey } from '../../http/idempotency/key-header.ts'
import { readMultipart } from '../../http/multipart.ts'
import { problemResponses } from '../../http/problem-details.ts'
import { NameSchema } from '../../names.ts'
import type { BlobStore } from '../../storage/blob-store.ts'
import { resolveVersion } from '../repository.ts'
import { type ModelVersion, ModelVersionSchema } from '../schemas.ts'
import { readInThread } from './read-in-thread.ts'
import { FILE_PARTS } from './read-model-file.ts'
import { IMPORT_BYTES_MAX, type ImportPart, receiveImport } from './receive.ts'
import { insertImport, type StoredImport, storeImport } from './store-import.ts'

/** What importing works with. */
export interface ImportDeps {
  db: Database
  blobs: BlobStore
}

/** Imports that a process does at once: each holds its file in memory. */
const AT_ONCE_MAX = 2

const DESCRIPTION =
  'multipart/form-data: `file`, a ZIP of a TensorFlow.js Layers model (as `…/artifact` gives it), a `.keras` file of ' +
  'Keras 3 or an ONNX model; or `model.json` and `model.weights.bin`, as `model.save` of TensorFlow.js sends them. The ' +
  'text part `options` is JSON of what the file does not say: `task`, `classes`, `targets`, `inputShape`, `dtype`, ' +
  '`preprocessing` (`scale`, `offset` or `centers`, `spreads`; `image`; `target`), `outputActivation` for a network ' +
  'that ends with logits, `description`, `tags`; and `format` to be sure of it. What is not understood is refused by name.'

/** `POST /v1/models/{name}/versions`: models of other programs become versions. */
export const importRoutes: FastifyPluginAsyncTypebox<ImportDeps> = async (app, { db, blobs }) => {
  await app.register(multipart)
  let running = 0
  /** Reads and checks a file, and stores what is right. */
  async function importParts(parts: AsyncIterable<ImportPart>) {
    running++
    try {
      if (running > AT_ONCE_MAX) {
        for await (const _part of parts) break // at its end the body is read, so that the client gets to read why
        throw new AppError(
          'OVERLOADED',
          `${AT_ONCE_MAX} models may be imported at once; try again in a while`,
        )
      }
      const { files, options } = await receiveImport(parts)
      const { description, tags } = options
      const said = { ...(description !== undefined && { description }), ...(tags && { tags }) }
      return { stored: await storeImport(blobs, await readInThread(files, options)), said }
    } finally {
      running--
    }
  }

  app.post(
    '/models/:name/versions',
    {
      schema: {
        tags: ['models'],
        summary: 'Import a version',
        description: DESCRIPTION,
        consumes: ['multipart/form-data'],
        params: Type.Object({ name: NameSchema }),
        response: { 201: ModelVersionSchema, ...problemResponses(400, 413, 415, 422, 503, 507) },
      },
    },
    async (request, reply) => {
      const { name } = request.params
      const limits = { fileBytesMax: IMPORT_BYTES_MAX, filesMax: FILE_PARTS.length }
      const body = fingerprintParts(readMultipart(request, limits), readIdempotencyKey(request) !== null)
      const { stored, said } = await importParts(body.parts)
      return answerOnce<ModelVersion>(db, { request, reply, body: body.contents() }, async own => {
        const version = await insert(own, name, stored, said, request.apiKeyId)
        request.log.info(
          { modelName: name, version, format: stored.description.imported?.format },
          'model imported',
        )
        const location = `/v1/models/${encodeURIComponent(name)}/versions/${version}`
        return { status: 201, location, body: await resolveVersion(own, name, { version }) }
      })
    },
  )
}

function insert(db: Database, name: string, stored: StoredImport, said: object, apiKeyId: string | null) {
  return db.$transaction(tx => insertImport(tx, name, stored, said, apiKeyId))
}
