import { status } from '@grpc/grpc-js'
import type { AppError } from '../../../errors.ts'

const CODES: Readonly<Record<number, status>> = {
  400: status.INVALID_ARGUMENT,
  401: status.UNAUTHENTICATED,
  404: status.NOT_FOUND,
  409: status.FAILED_PRECONDITION,
  413: status.RESOURCE_EXHAUSTED,
  415: status.INVALID_ARGUMENT,
  422: status.INVALID_ARGUMENT,
  503: status.UNAVAILABLE,
  504: status.DEADLINE_EXCEEDED,
}

/** The status of an error. @see https://github.com/grpc/grpc/blob/master/doc/statuscodes.md */
export function grpcStatusOf({ status: httpStatus }: AppError): status {
  return CODES[httpStatus] ?? status.INTERNAL
}
