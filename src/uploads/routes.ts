import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { Database } from '../db/client.ts'
import { AppError } from '../errors.ts'
import { checkDigests, digestMismatch, readContentDigest } from '../http/content-digest.ts'
import { drainBody } from '../http/drain-body.ts'
import { answerOnce } from '../http/idempotency/answer-once.ts'
import { IdempotencyKeyHeader } from '../http/idempotency/key-header.ts'
import { problemResponses } from '../http/problem-details.ts'
import { toPage } from '../pagination.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import { checksumMismatch, readUploadChecksum } from './checksum.ts'
import { getUpload, listUploads, type StoredUpload } from './repository.ts'
import { type Upload, UploadIdSchema, UploadListQuery, UploadPageSchema, UploadSchema } from './schemas.ts'
import { answerTus, TUS_VERSION, type TusAnswer, type TusRequest, UPLOADS_PATH } from './tus.ts'

/** What the routes of uploads work with. */
export interface UploadRouteDeps {
  db: Database
  blobs: BlobStore
  uploadBytesMax: number
  uploadHours: number
}

const UploadParams = Type.Object({ id: UploadIdSchema })
const tags = ['uploads']

const CreationHeaders = Type.Object({
  ...IdempotencyKeyHeader.properties,
  'upload-length': Type.String({ pattern: '^(0|[1-9]\\d{0,15})$', description: 'Bytes of the whole file.' }),
  'upload-metadata': Type.Optional(
    Type.String({
      description: 'Names and base64 values; `filename` and what else the client wants to know again.',
    }),
  ),
})

const PATCH_DESCRIPTION =
  'The bytes from `Upload-Offset` on, all that are left or some. `Upload-Checksum` (sha256, sha512, sha1) or ' +
  '`Content-Digest` (sha-256, sha-512) may tell their hash; then they are kept when they match it, wholly or not at all. ' +
  'Without one, what came before a connection broke is kept: ask for the offset and go on there.'

/** `/v1/uploads`: files in parts that can go on after a break. @see https://tus.io/protocols/resumable-upload */
export const uploadRoutes: FastifyPluginAsyncTypebox<UploadRouteDeps> = async (app, deps) => {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null)) // bodies are read by their routes
  app.addHook('onSend', async (_request, reply) => {
    reply.header('tus-resumable', TUS_VERSION)
    if (reply.statusCode === 412) reply.header('tus-version', TUS_VERSION)
  })

  app.options(
    '/uploads',
    { schema: { tags, summary: 'What the protocol can do here' } },
    async (request, reply) => send(reply, await answerTus(deps, toTus(request, null))),
  )

  app.post(
    '/uploads',
    {
      schema: {
        tags,
        summary: 'Begin an upload',
        description:
          'For a file that is large, or a connection that breaks: its bytes follow by PATCH, to the address in `Location`. ' +
          'The protocol is tus 1.0.0, so its clients can do it; they send `Tus-Resumable: 1.0.0` with every request.',
        headers: CreationHeaders,
        response: { 201: UploadSchema, ...problemResponses(400, 409, 412, 413, 422) },
      },
    },
    async (request, reply) => {
      const { 'upload-length': length, 'upload-metadata': metadata = null } = request.headers
      if (request.headers['content-length'] !== undefined && request.headers['content-length'] !== '0') {
        throw new AppError('MALFORMED_REQUEST', 'an upload must begin without bytes; they follow by PATCH')
      }
      return answerOnce(deps.db, { request, reply, body: { length, metadata } }, async db => {
        const { headers, upload } = await answerTus({ ...deps, db }, toTus(request, null))
        if (!upload) throw new Error('an upload that was begun is known')
        if (headers['upload-expires']) reply.header('upload-expires', headers['upload-expires'])
        return { status: 201, location: `${UPLOADS_PATH}/${upload.id}`, body: toWire(upload) }
      })
    },
  )

  app.head(
    '/uploads/:id',
    { schema: { tags, summary: 'Where an upload goes on', params: UploadParams } },
    async (request, reply) => send(reply, await answerTus(deps, toTus(request, request.params.id))),
  )

  app.patch(
    '/uploads/:id',
    {
      schema: {
        tags,
        summary: 'Send bytes of an upload',
        description: PATCH_DESCRIPTION,
        consumes: ['application/offset+octet-stream'],
        params: UploadParams,
        response: problemResponses(400, 404, 409, 410, 412, 413, 415, 422, 460, 507),
      },
    },
    async (request, reply) => {
      try {
        return await send(reply, await answerTus(deps, toTus(request, request.params.id)))
      } finally {
        await drainBody(request)
      }
    },
  )

  app.delete(
    '/uploads/:id',
    {
      schema: {
        tags,
        summary: 'Give an upload up',
        params: UploadParams,
        response: { 204: Type.Null(), ...problemResponses(404, 409) },
      },
    },
    async (request, reply) => send(reply, await answerTus(deps, toTus(request, request.params.id))),
  )

  app.get(
    '/uploads',
    {
      schema: {
        tags,
        summary: 'List uploads of the key',
        querystring: UploadListQuery,
        response: { 200: UploadPageSchema, ...problemResponses(422) },
      },
    },
    async request => {
      const { limit = 20, after } = request.query
      const rows = await listUploads(deps.db, keyOf(request), { limit, after })
      return toPage(rows, limit, toWire, row => row.id)
    },
  )

  app.get(
    '/uploads/:id',
    {
      exposeHeadRoute: false,
      schema: {
        tags,
        summary: 'Read an upload',
        params: UploadParams,
        response: { 200: UploadSchema, ...problemResponses(404) },
      },
    },
    async request => toWire(await getUpload(deps.db, keyOf(request), request.params.id)),
  )
}

function toTus(request: FastifyRequest, id: string | null): TusRequest {
  const { method, headers } = request
  const body = method === 'PATCH' ? { content: contentOf(request), check: checkOf(request) } : null
  return { method, headers, apiKeyId: keyOf(request), id, body }
}

/** The connection stays when the reader gives up, for the answer. */
function contentOf({ raw }: FastifyRequest): AsyncIterable<Buffer> {
  return { [Symbol.asyncIterator]: () => raw.iterator({ destroyOnReturn: false }) }
}

/** What is announced of the bytes: by the protocol's own header, or HTTP's. */
function checkOf(request: FastifyRequest) {
  const checksum = readUploadChecksum(request.headers['upload-checksum'])
  const digests = readContentDigest(request)
  if (checksum === null && digests.length === 0) return null
  const [sums, digest] = [checkDigests(checksum === null ? [] : [checksum]), checkDigests(digests)]
  return {
    update(piece: Uint8Array) {
      sums.update(piece)
      digest.update(piece)
    },
    finish() {
      if (!sums.matches()) throw checksumMismatch()
      if (!digest.matches()) throw digestMismatch()
    },
  }
}

function keyOf({ apiKeyId }: FastifyRequest): string {
  if (apiKeyId === null) throw new Error('the routes under /v1 ask for a key')
  return apiKeyId
}

async function send(reply: FastifyReply, { status, headers }: TusAnswer): Promise<FastifyReply> {
  return reply.code(status).headers(headers).send(null)
}

function toWire({ createdAt, expiresAt, ...upload }: StoredUpload): Upload {
  return {
    ...upload,
    isWhole: upload.receivedBytes === upload.bytes,
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
  }
}
