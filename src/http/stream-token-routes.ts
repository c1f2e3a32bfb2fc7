import { randomBytes } from 'node:crypto'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { Database } from '../db/client.ts'
import { AppError } from '../errors.ts'
import { hashKey } from './api-keys.ts'
import { answerOnce } from './idempotency/answer-once.ts'
import { saveStreamToken } from './key-repository.ts'
import { problemResponses } from './problem-details.ts'

/** Long enough for a browser to connect and to connect again; a stream that is open stays open. */
const GOOD_SECONDS = 300

/** `POST /v1/stream-tokens`: what a browser's `EventSource` shows in place of a key. */
export const streamTokenRoutes: FastifyPluginAsyncTypebox<{ db: Database }> = async (app, { db }) => {
  app.post(
    '/stream-tokens',
    {
      schema: {
        tags: ['metrics'],
        summary: 'A token for event streams',
        description:
          'For `EventSource`, which cannot send a header: `/v1/jobs/{id}/events?streamToken=…`. Good for five minutes and ' +
          'for event streams only; it ends with its key.',
        response: {
          201: Type.Object({ token: Type.String(), expiresAt: Type.String({ format: 'date-time' }) }),
          ...problemResponses(422),
        },
      },
    },
    async (request, reply) =>
      answerOnce(db, { request, reply }, async db => {
        const { apiKeyId } = request
        if (apiKeyId === null) throw new AppError('UNAUTHENTICATED', 'a key is required')
        const token = `st_${randomBytes(24).toString('base64url')}`
        const expiresAt = await saveStreamToken(db, {
          sha256: hashKey(token),
          apiKeyId,
          seconds: GOOD_SECONDS,
        })
        return { status: 201, body: { token, expiresAt: expiresAt.toISOString() } }
      }),
  )
}
