import { AppError } from '../../errors.ts'

/** What stores of several makers say when nothing more goes in. @see MinIO, Ceph RGW, Amazon S3: error codes */
const FULL = /StorageFull|QuotaExceeded|InsufficientStorage|EntityTooLarge|TooManyBuckets/

/** Whether a key has no object. A HEAD has no body to say it in, so the status counts. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && /^(NoSuchKey|NotFound)$/.test(error.name)
}

/** Whether the store does not know an operation that others have. */
export function isNotImplemented(error: unknown): boolean {
  return statusOf(error) === 501 || (error instanceof Error && error.name === 'NotImplemented')
}

/**
 * Does something with the store.
 * @throws {AppError} STORAGE_FULL; STORAGE_UNAVAILABLE for all else but a missing object: whether the network, the
 *   credentials or the bucket are wrong, the service has no storage until somebody mends it
 */
export async function translateErrors<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    throw translateError(error)
  }
}

/** The same for an error that was caught. */
export function translateError(error: unknown): unknown {
  if (!isOfStore(error) || isMissing(error) || isNotImplemented(error)) return error
  if (statusOf(error) === 507 || FULL.test(error.name)) {
    return new AppError('STORAGE_FULL', 'there must be space left in the bucket; make room and try again', {
      cause: error,
    })
  }
  const message = `the object store must answer and let the service in; received ${error.name}`
  return new AppError('STORAGE_UNAVAILABLE', message, { cause: error })
}

/** What the SDK throws says how the request went, or comes from the network beneath. */
function isOfStore(error: unknown): error is Error {
  if (!(error instanceof Error) || error instanceof AppError) return false
  const { code } = error as NodeJS.ErrnoException
  return '$metadata' in error || NETWORK_CODES.test(code ?? '') || SDK_NAMES.test(error.name)
}

const NETWORK_CODES =
  /^(E?AI_AGAIN|ECONN(REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|ENOTFOUND|EHOST(UNREACH|DOWN)|ENETUNREACH|ERR_TLS.*|.*CERT.*|.*SSL.*)$/
const SDK_NAMES = /^(TimeoutError|CredentialsProviderError|TokenProviderError|IncompleteRead)$/

function statusOf(error: unknown): number | null {
  const { $metadata } = error as { $metadata?: { httpStatusCode?: number } }
  return $metadata?.httpStatusCode ?? null
}
