import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { AppError } from '../errors.ts'

/** An error answer of the Open Inference Protocol and of TensorFlow Serving. */
export const PlainErrorSchema = Type.Object({ error: Type.String() }, { title: 'Plain error' })

/** Response schemas of the errors of a route that answers them plainly; 401 comes by itself. */
export function plainErrorResponses(...statuses: (400 | 404 | 409 | 413 | 415 | 503 | 504)[]) {
  return Object.fromEntries([400, 401, ...statuses].map(status => [status, PlainErrorSchema]))
}

/**
 * Whether errors are answered as other protocols want them, as `{ "error": "…" }`: on routes that say so, and wherever
 * an address begins with `/v2`, also where there is no route.
 */
export function hasPlainErrors({ url, routeOptions }: FastifyRequest): boolean {
  return routeOptions.config?.plainErrors === true || /^\/v2(\/|\?|$)/.test(url)
}

/**
 * The status of a plain error: a request that is well formed but wrong is a 400 in both protocols.
 * @see https://www.tensorflow.org/tfx/serving/api_rest; TensorFlow's INVALID_ARGUMENT is 400
 */
export function plainStatus({ status }: AppError): number {
  return status === 422 ? 400 : status
}

/** What a plain error says: the message, with the place in the request where it does not say it. */
export function describePlainly({ message, errors, status }: AppError): string {
  if (status === 500) return 'the error is in the log of the service, under the id in the header x-request-id'
  const place = errors[0]?.pointer ?? ''
  return place === '' || message.startsWith(place) ? message : `${place}: ${message}`
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether errors are answered as `{ "error": "…" }`. */
    plainErrors?: boolean
  }
}
