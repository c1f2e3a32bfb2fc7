/**
 * Every code that the service answers with or writes into a job, in one table. `status` is the HTTP status;
 * `title` is the same for all errors of a code, as RFC 9457 wants it; `retryable` says that the same request, or
 * the same job, may succeed later without a change.
 */
export const ERRORS = {
  MALFORMED_REQUEST: { status: 400, title: 'The request cannot be read', retryable: false },
  UNAUTHENTICATED: { status: 401, title: 'A valid API key is required', retryable: false },
  NOT_FOUND: { status: 404, title: 'There is nothing here', retryable: false },
  METHOD_NOT_ALLOWED: { status: 405, title: 'The method is not supported here', retryable: false },
  REQUEST_TIMEOUT: { status: 408, title: 'The request took too long to arrive', retryable: true },
  PAYLOAD_TOO_LARGE: { status: 413, title: 'The request is too large', retryable: false },
  URI_TOO_LONG: { status: 414, title: 'The address is too long', retryable: false },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, title: 'The content type is not supported here', retryable: false },
  VALIDATION_FAILED: { status: 422, title: 'The request does not fit its description', retryable: false },
  IDEMPOTENCY_KEY_IN_USE: {
    status: 409,
    title: 'A request with this key is being answered',
    retryable: true,
  },
  IDEMPOTENCY_KEY_REUSED: {
    status: 422,
    title: 'The key was used for another request',
    retryable: false,
  },
  INTERNAL: { status: 500, title: 'Something went wrong here', retryable: true },
  DATABASE_UNAVAILABLE: { status: 503, title: 'The database is away', retryable: true },
  STORAGE_UNAVAILABLE: { status: 503, title: 'The storage is away', retryable: true },

  UPLOAD_NOT_FOUND: { status: 404, title: 'There is no such upload', retryable: false },
  UPLOAD_EXPIRED: { status: 410, title: 'The upload is over', retryable: false },
  UPLOAD_OFFSET_WRONG: { status: 409, title: 'The upload goes on elsewhere', retryable: true },
  UPLOAD_INCOMPLETE: { status: 409, title: 'The upload is not whole', retryable: true },
  UPLOAD_IN_USE: { status: 409, title: 'A dataset is being made from the upload', retryable: true },
  UPLOAD_DAMAGED: { status: 503, title: 'The stored upload does not match its hash', retryable: false },
  CHECKSUM_MISMATCH: { status: 460, title: 'The bytes do not match their checksum', retryable: true },
  DIGEST_MISMATCH: { status: 422, title: 'The bytes do not match their digest', retryable: true },
  TUS_VERSION_REQUIRED: { status: 412, title: 'The version of the protocol is required', retryable: false },

  DATASET_NOT_FOUND: { status: 404, title: 'There is no such dataset', retryable: false },
  DATASET_INVALID: { status: 422, title: 'The dataset cannot be used', retryable: false },
  DATASET_IN_USE: { status: 409, title: 'A job still needs the dataset', retryable: true },
  DATASET_NOT_READY: { status: 409, title: 'The dataset is not ready', retryable: true },
  DATASET_NOT_PROCESSED: { status: 500, title: 'The dataset could not be processed', retryable: true },
  EXAMPLE_NOT_FOUND: { status: 404, title: 'There is no such example', retryable: false },

  JOB_NOT_FOUND: { status: 404, title: 'There is no such job', retryable: false },
  JOB_FINISHED: { status: 409, title: 'The job has ended', retryable: false },
  JOB_NOT_FINISHED: { status: 409, title: 'The job has not ended', retryable: true },
  CANCEL_ALREADY_REQUESTED: { status: 409, title: 'The job is being cancelled already', retryable: false },
  JOB_NOT_PAUSABLE: { status: 409, title: 'Only queued and running jobs can be paused', retryable: false },
  PAUSE_ALREADY_REQUESTED: { status: 409, title: 'The job is being paused already', retryable: false },
  JOB_NOT_RESUMABLE: { status: 409, title: 'Only paused jobs can be resumed', retryable: false },
  JOB_NOT_RETRYABLE: {
    status: 409,
    title: 'Only failed and cancelled jobs can be tried again',
    retryable: false,
  },
  RESULT_NOT_AVAILABLE: { status: 409, title: 'The job has not come that far', retryable: true },

  MODEL_NOT_FOUND: { status: 404, title: 'There is no such model', retryable: false },
  MODEL_VERSION_NOT_FOUND: { status: 404, title: 'There is no such version of the model', retryable: false },
  MODEL_VERSION_IN_USE: { status: 409, title: 'An alias or a job needs the version', retryable: false },
  MODEL_FILE_INVALID: { status: 422, title: 'The model file cannot be imported', retryable: false },
  MODEL_DAMAGED: { status: 503, title: 'The stored model does not match its hash', retryable: false },
  ALIAS_NOT_FOUND: { status: 404, title: 'There is no such alias', retryable: false },
  GATES_NOT_FOUND: { status: 404, title: 'The alias has no gates', retryable: false },
  GATE_FAILED: { status: 409, title: 'A version does not pass the gates of the alias', retryable: false },
  ROLLBACK_NOT_POSSIBLE: { status: 409, title: 'There is nothing to go back to', retryable: false },
  VERSIONS_NOT_COMPARABLE: {
    status: 409,
    title: 'The versions were not evaluated on the same examples',
    retryable: false,
  },
  CALIBRATION_NOT_AVAILABLE: { status: 409, title: 'The version has no temperature', retryable: false },
  BATCH_NOT_FOUND: { status: 404, title: 'There is no such batch prediction', retryable: false },
  BATCH_FINISHED: { status: 409, title: 'The batch prediction has ended', retryable: false },
  BATCH_NOT_FINISHED: { status: 409, title: 'The batch prediction has not ended', retryable: true },
  BATCH_FAILED: { status: 500, title: 'The batch prediction reported an error', retryable: false },
  RANGE_NOT_SATISFIABLE: { status: 416, title: 'There is nothing in that range', retryable: false },
  INPUT_INVALID: { status: 422, title: 'The input does not fit the model', retryable: false },
  DEADLINE_EXCEEDED: { status: 504, title: 'The answer was not ready in time', retryable: true },
  OVERLOADED: { status: 503, title: 'There is more to do than can be done', retryable: true },
  IMAGE_INVALID: { status: 422, title: 'The image cannot be decoded', retryable: false },

  TRAINING_DIVERGED: { status: 422, title: 'The loss is no longer a number', retryable: false },
  TRAINER_FAILED: { status: 500, title: 'The trainer reported an error', retryable: false },
  WORKER_CRASHED: { status: 500, title: 'The trainer crashed again and again', retryable: false },
  WORKER_LOST: { status: 500, title: 'One worker after the other was lost', retryable: true },
  OUT_OF_MEMORY: { status: 507, title: 'The training needs more memory than there is', retryable: false },
  MAX_RUNTIME_EXCEEDED: { status: 422, title: 'The training took too long', retryable: false },
  STORAGE_FULL: { status: 507, title: 'There is no space left', retryable: true },
} as const satisfies Record<string, { status: number; title: string; retryable: boolean }>

/** A stable code of the table. */
export type ErrorCode = keyof typeof ERRORS

/** One thing that is wrong with a request. */
export interface FieldError {
  /** JSON pointer (RFC 6901) into the body; of a multipart body, `/` and the part's name. */
  pointer?: string
  /** Name of a query or path parameter, or of a header. */
  parameter?: string
  /** What is required and what was received. */
  detail: string
}

/** An error that the caller can act on; anything else thrown is a defect and answered as `INTERNAL`. */
export class AppError extends Error {
  override readonly name = 'AppError'
  readonly code: ErrorCode
  readonly errors: readonly FieldError[]

  /**
   * @param message - what is required and what was received
   * @param details - the fields that are wrong, and the error beneath
   */
  constructor(
    code: ErrorCode,
    message: string,
    details: { errors?: readonly FieldError[]; cause?: unknown } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.errors = details.errors ?? []
  }

  get status(): number {
    return ERRORS[this.code].status
  }
}

/** An error of one field of the body: the detail is the message too. */
export function fieldError(code: ErrorCode, pointer: string, detail: string): AppError {
  return new AppError(code, detail, { errors: [{ pointer, detail }] })
}

/** A name as a part of a JSON pointer. @see RFC 6901, section 3 */
export function pointerToken(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}
