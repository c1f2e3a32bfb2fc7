import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Database } from '../../db/client.ts'
import { AppError, ERRORS } from '../../errors.ts'
import { presentError } from '../problem-details.ts'
import { fingerprintRequest } from './fingerprint.ts'
import { readIdempotencyKey } from './key-header.ts'
import { findAnswer, type KeyScope, lockKey, type StoredAnswer, saveAnswer } from './repository.ts'

/** What a POST answers with: a body for the route's schema, its text when that was written already, or bytes. */
export type Answer<Body> = {
  status: number
  /** Where the thing that was made is. */
  location?: string
} & ({ body: Body } | { text: string; contentType?: string } | BinaryAnswer)

/** An answer that is no JSON. */
export interface BinaryAnswer {
  bytes: Buffer
  contentType: string
  /** What a client needs to read it. */
  headers: Record<string, string>
}

/** A POST on its way to its answer. */
export interface Post {
  request: FastifyRequest
  reply: FastifyReply
  /** What the body is taken for; the decoded parts of a multipart one. */
  body?: unknown
}

/** Either an answer that is to be sent as it is, or an error that was kept and is to be told as any other. */
type Outcome =
  | { answer: StoredAnswer; isReplayed: boolean; refusal: null }
  | { answer: null; refusal: AppError }

/**
 * Answers a POST, and does its work once for each Idempotency-Key. The work, its rows and the answer are one
 * transaction: after a crash either all is there, and a retry gets the answer, or nothing is, and a retry does the
 * work. So no key is ever left "in flight". Refusals are kept too, but for those that may be otherwise next time (`retryable`) and
 * those of a request that does not even fit its schema; 5xx never.
 *
 * A file that the work names must be stored before: a crash in between leaves one that no row names, which the
 * garbage collection takes.
 * @param work - makes the rows with the client that it gets, which is inside a transaction when there is a key
 * @throws {AppError} IDEMPOTENCY_KEY_IN_USE, IDEMPOTENCY_KEY_REUSED, and what the work throws
 */
export async function answerOnce<Body>(
  db: Database,
  { request, reply, body }: Post,
  work: (db: Database) => Promise<Answer<Body>>,
): Promise<FastifyReply> {
  const scope = scopeOf(request)
  if (!scope) return send(reply, serialize(reply, '', await work(db)), false)
  const fingerprint = fingerprintRequest(request, body)
  const outcome = await db.$transaction(async (tx): Promise<Outcome> => {
    if (!(await lockKey(tx, scope))) throw inUse()
    const stored = await findAnswer(tx, scope)
    if (stored) return { answer: assertSame(stored, fingerprint), isReplayed: true, refusal: null }
    try {
      const answer = serialize(reply, fingerprint, await tx.$transaction(work))
      await saveAnswer(tx, scope, answer)
      return { answer, isReplayed: false, refusal: null }
    } catch (error) {
      if (!isLasting(error)) throw error
      await saveAnswer(tx, scope, toAnswer(error, request, fingerprint))
      return { answer: null, refusal: error }
    }
  })
  if (outcome.refusal) throw outcome.refusal
  return send(reply, outcome.answer, outcome.isReplayed)
}

/**
 * The same for work that changes nothing and may take long: it is done outside of the transaction, and a second
 * time when the first answer was lost before it was kept.
 */
export function answerPureOnce<Body>(
  db: Database,
  post: Post,
  work: () => Promise<Answer<Body>>,
): Promise<FastifyReply> {
  return answerPreparedOnce(db, post, work, async (_db, answer) => answer)
}

/**
 * The same for work in two steps: what takes long and makes no rows is done outside of the transaction, and a second
 * time when the first answer was lost before it was kept.
 */
export async function answerPreparedOnce<Prepared, Body>(
  db: Database,
  post: Post,
  prepare: () => Promise<Prepared>,
  work: (db: Database, prepared: Prepared) => Promise<Answer<Body>>,
): Promise<FastifyReply> {
  const scope = scopeOf(post.request)
  if (!scope) return send(post.reply, serialize(post.reply, '', await work(db, await prepare())), false)
  const stored = await findAnswer(db, scope)
  if (stored) {
    const fingerprint = fingerprintRequest(post.request, post.body)
    return send(post.reply, assertSame(stored, fingerprint), true)
  }
  const prepared = await prepare()
  return answerOnce(db, post, tx => work(tx, prepared))
}

function scopeOf(request: FastifyRequest): KeyScope | null {
  const key = readIdempotencyKey(request)
  return key === null || request.apiKeyId === null ? null : { apiKeyId: request.apiKeyId, key }
}

function assertSame(stored: StoredAnswer, fingerprint: string): StoredAnswer {
  if (stored.fingerprint === fingerprint) return stored
  throw new AppError(
    'IDEMPOTENCY_KEY_REUSED',
    'a key must be used for one request; this one differs from the first in its address or body',
    { errors: [{ parameter: 'idempotency-key', detail: 'was used for another request' }] },
  )
}

function inUse(): AppError {
  return new AppError('IDEMPOTENCY_KEY_IN_USE', 'the first request with this key must be answered first')
}

/** Whether the same request would be refused again. */
function isLasting(error: unknown): error is AppError {
  return error instanceof AppError && error.status < 500 && !ERRORS[error.code].retryable
}

function toAnswer(error: AppError, request: FastifyRequest, fingerprint: string): StoredAnswer {
  return { fingerprint, location: null, headers: {}, ...presentError(error, request) }
}

function serialize<Body>(reply: FastifyReply, fingerprint: string, answer: Answer<Body>): StoredAnswer {
  const { status, location = null } = answer
  if ('bytes' in answer) {
    const { bytes, contentType, headers } = answer
    return { fingerprint, status, location, headers, contentType, body: bytes }
  }
  reply.code(status) // it chooses the schema
  return {
    fingerprint,
    status,
    location,
    headers: {},
    contentType: ('text' in answer && answer.contentType) || 'application/json; charset=utf-8',
    body: 'text' in answer ? answer.text : String(reply.serialize(answer.body)),
  }
}

function send(reply: FastifyReply, answer: StoredAnswer, isReplayed: boolean): FastifyReply {
  if (answer.location !== null) reply.header('location', answer.location)
  if (isReplayed) reply.header('idempotency-replayed', 'true')
  return reply
    .code(answer.status)
    .headers(answer.headers)
    .type(answer.contentType)
    .serializer((text: string) => text)
    .send(answer.body)
}
