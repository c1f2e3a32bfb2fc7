import type { FastifyInstance, FastifyRequest } from 'fastify'
import { AppError } from '../errors.ts'
import { hashKey } from './api-keys.ts'

/**
 * Looks a key, or what stands for one, up by its hash.
 * @returns the id of the key, at once when it is known; null when it is not good
 */
export type FindKeyId = (sha256: string) => string | null | Promise<string | null>

/** What asking for keys works with. */
export interface AuthDeps {
  findKeyId: FindKeyId
  /** The same for stream tokens, which routes of `acceptsStreamToken` take too. */
  findStreamTokenKeyId: FindKeyId
}

/**
 * Asks for a bearer key on everything under `/v1` and `/v2` and for `/metrics`, before anything else is said about the address. The
 * route decides, not the address alone: `/%761/…` and `http://host/v1/…` reach the same routes. Routes may say that they
 * need none.
 * @see RFC 6750, section 2.1
 */
export function registerAuth(app: FastifyInstance, { findKeyId, findStreamTokenKeyId }: AuthDeps): void {
  const hash = hashOncePerConnection()
  app.decorateRequest('apiKeyId', null)
  app.addHook('onRequest', (request, _reply, done) => {
    const { config, url = '' } = request.routeOptions // made anew whenever it is asked for
    if (config.needsNoKey || (!isGuarded(url) && !isGuarded(request.url))) return done()
    const key = readBearer(request.headers.authorization)
    const token = key === null && config.acceptsStreamToken ? readStreamToken(request) : null
    const admit = (keyId: string | null) => {
      request.apiKeyId = keyId
      done(keyId === null ? keyRefused('as "Authorization: Bearer <key>"', key ?? token) : undefined)
    }
    const found = key ? findKeyId(hash(request, key)) : token ? findStreamTokenKeyId(hashKey(token)) : null
    if (found instanceof Promise) found.then(admit, done)
    else admit(found)
  })
}

/** @param where - a key is to be shown @param shown - what was, if anything */
export function keyRefused(where: string, shown: string | null): AppError {
  const received = shown ? 'one that is not known, or no longer' : 'none'
  return new AppError('UNAUTHENTICATED', `a key is required ${where}; received ${received}`)
}

/** Hashes keys; a connection that shows the one of its last request again is spared the work, not the look-up. */
function hashOncePerConnection(): (request: FastifyRequest, key: string) => string {
  const last = new WeakMap<FastifyRequest['socket'], { key: string; sha256: string }>()
  return ({ socket }, key) => {
    const known = last.get(socket)
    if (known?.key === key) return known.sha256
    const sha256 = hashKey(key)
    last.set(socket, { key, sha256 })
    return sha256
  }
}

function isGuarded(address: string): boolean {
  return /^\/(v[12]|metrics)(\/|\?|$)/.test(address)
}

/** For `EventSource`, which cannot send headers. */
function readStreamToken({ query }: FastifyRequest): string | null {
  const { streamToken } = query as { streamToken?: unknown }
  return typeof streamToken === 'string' ? streamToken : null
}

/** The key that an `Authorization` shows; null where it shows none. @see RFC 6750, section 2.1 */
export function readBearer(authorization = ''): string | null {
  return /^Bearer +(\S+) *$/i.exec(authorization)?.[1] ?? null
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The API key of the request; null where none is asked for. */
    apiKeyId: string | null
  }
  interface FastifyContextConfig {
    /** Whether `?streamToken=` may stand for a key. */
    acceptsStreamToken?: boolean
    /** Whether anybody may ask, as for signs of life. */
    needsNoKey?: boolean
  }
}
