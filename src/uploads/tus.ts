import { Server } from '@tus/server'
import type { Database } from '../db/client.ts'
import { AppError, type ErrorCode } from '../errors.ts'
import { newId } from '../ids.ts'
import { CHECKSUM_ALGORITHMS } from './checksum.ts'
import type { IncomingBytes, ReceiveDeps } from './receive-bytes.ts'
import type { StoredUpload } from './repository.ts'
import { UploadStore } from './upload-store.ts'

/** What answering works with. */
export interface TusDeps extends ReceiveDeps {
  db: Database
  uploadBytesMax: number
}

/** A request of the protocol. */
export interface TusRequest {
  method: string
  headers: Readonly<Record<string, string | string[] | undefined>>
  apiKeyId: string
  /** The upload that the address names; null: none. */
  id: string | null
  /** The bytes that it carries; null where none belong. */
  body: Pick<IncomingBytes, 'content' | 'check'> | null
}

/** An answer of the protocol. */
export interface TusAnswer {
  status: number
  headers: Record<string, string>
  /** The upload that it was about, as it is now. */
  upload: StoredUpload | null
}

/** Where uploads are. */
export const UPLOADS_PATH = '/v1/uploads'

/** The version of the protocol. */
export const TUS_VERSION = '1.0.0'

/** The headers that mean something to the protocol. */
const HEADERS = [
  'tus-resumable',
  'upload-length',
  'upload-defer-length',
  'upload-offset',
  'upload-metadata',
  'upload-concat',
  'content-type',
  'content-length',
]

/**
 * Answers a request of the resumable upload protocol. `@tus/server` knows the protocol; here are the store that it
 * works on, and its refusals in the service's own words. The bytes go around it, straight from the connection: it
 * would pass them through streams of the web, which costs time, and it forgets why they broke off.
 *
 * It needs no lock: whoever writes has the fencing number of the upload.
 * @see tus 1.0.0, with the extensions creation, expiration, checksum and termination
 * @throws {AppError} as `CODES`, and what the store throws
 */
export async function answerTus(deps: TusDeps, request: TusRequest): Promise<TusAnswer> {
  const store = new UploadStore(deps, request)
  let failure: unknown = null
  const server = new Server({
    path: UPLOADS_PATH,
    datastore: store,
    relativeLocation: true,
    allowedOrigins: [],
    maxSize: deps.uploadBytesMax,
    namingFunction: () => newId('upl'),
    getFileIdFromRequest: () => request.id ?? undefined,
    locker: { newLock: () => ({ lock: async () => {}, unlock: async () => {} }) },
    onResponseError: (_request, error) => {
      failure = error
      return undefined
    },
  })
  const headers = new Headers()
  for (const name of HEADERS) {
    for (const value of [request.headers[name] ?? []].flat()) headers.append(name, value)
  }
  const url = `http://localhost${UPLOADS_PATH}/${request.id ?? ''}`
  const response = await server.handleWeb(new Request(url, { method: request.method, headers }))
  if (response.status >= 400) throw await explain(response, failure, deps.uploadBytesMax, store.upload)
  const answer = Object.fromEntries(
    [...response.headers].filter(([name]) => !name.startsWith('access-control-')),
  )
  if (request.method === 'OPTIONS') answer['tus-checksum-algorithm'] = CHECKSUM_ALGORITHMS.join()
  if (store.upload) answer['upload-expires'] = store.upload.expiresAt.toUTCString()
  return { status: response.status, headers: answer, upload: store.upload }
}

/** What the library's refusals are, by their status. */
const CODES: Readonly<Record<number, ErrorCode>> = {
  400: 'MALFORMED_REQUEST',
  403: 'MALFORMED_REQUEST',
  404: 'UPLOAD_NOT_FOUND',
  409: 'UPLOAD_OFFSET_WRONG',
  410: 'UPLOAD_EXPIRED',
  412: 'TUS_VERSION_REQUIRED',
  413: 'PAYLOAD_TOO_LARGE',
  501: 'VALIDATION_FAILED',
}

/** The error that an answer of the library stands for: the one that was thrown, or a refusal of its own. */
async function explain(
  response: Response,
  failure: unknown,
  bytesMax: number,
  upload: StoredUpload | null,
): Promise<unknown> {
  if (failure instanceof Error) return failure
  const text = (await response.text()).trim()
  if (/^Invalid .*tus-resumable/.test(text)) return refuse('TUS_VERSION_REQUIRED', bytesMax, upload, text)
  if (/^Invalid .*content-type/.test(text)) return refuse('UNSUPPORTED_MEDIA_TYPE', bytesMax, upload, text)
  return refuse(CODES[response.status] ?? 'INTERNAL', bytesMax, upload, text)
}

function refuse(code: ErrorCode, bytesMax: number, upload: StoredUpload | null, text: string): AppError {
  switch (code) {
    case 'UPLOAD_NOT_FOUND':
      return new AppError(code, 'the address must end with the id of an upload')
    case 'UPLOAD_OFFSET_WRONG':
      return new AppError(
        code,
        `upload-offset must be ${upload?.receivedBytes}, which is where the upload goes on`,
      )
    case 'UPLOAD_EXPIRED':
      return new AppError(
        code,
        `the upload had to go on before ${upload?.expiresAt.toISOString()}; begin another`,
      )
    case 'TUS_VERSION_REQUIRED':
      return new AppError(code, `tus-resumable must be ${TUS_VERSION}`)
    case 'UNSUPPORTED_MEDIA_TYPE':
      return new AppError(code, 'the content type must be application/offset+octet-stream')
    case 'PAYLOAD_TOO_LARGE': {
      const limit = upload ? `${upload.bytes} bytes, as upload-length said` : `${bytesMax} bytes`
      return new AppError(code, `an upload may have ${limit}; received more`)
    }
    default:
      return new AppError(code, text.replaceAll('\n', ' '))
  }
}
