import { DataStore, Upload as TusUpload } from '@tus/server'
import type { Database } from '../db/client.ts'
import { AppError } from '../errors.ts'
import { type IncomingBytes, type ReceiveDeps, receiveBytes } from './receive-bytes.ts'
import { deleteUpload, getUpload, insertUpload, type StoredUpload } from './repository.ts'

/** Who asks, and the bytes that come along; null where none belong. */
interface StoreRequest {
  apiKeyId: string
  body: Pick<IncomingBytes, 'content' | 'check'> | null
}

/** What `@tus/server` asks of a store, for one request of one key. */
export class UploadStore extends DataStore {
  override readonly extensions = ['creation', 'expiration', 'checksum', 'termination']
  /** The upload that the request is about, as it is now; null until it is known. */
  upload: StoredUpload | null = null
  readonly #deps: ReceiveDeps & { db: Database }
  readonly #request: StoreRequest

  constructor(deps: ReceiveDeps & { db: Database }, request: StoreRequest) {
    super()
    this.#deps = deps
    this.#request = request
  }

  override async create(file: TusUpload): Promise<TusUpload> {
    const { metadata = {} } = file
    if (Object.values(metadata).some(value => value?.includes('\0'))) {
      const detail = 'values of upload-metadata must be text without NUL'
      throw new AppError('VALIDATION_FAILED', detail, { errors: [{ parameter: 'upload-metadata', detail }] })
    }
    this.upload = await insertUpload(this.#deps.db, {
      id: file.id,
      metadata,
      bytes: file.size ?? 0,
      apiKeyId: this.#request.apiKeyId,
      hours: this.#deps.uploadHours,
    })
    return file
  }

  override async getUpload(id: string): Promise<TusUpload> {
    const upload = await getUpload(this.#deps.db, this.#request.apiKeyId, id)
    this.upload = upload
    const { bytes: size, receivedBytes: offset, metadata, createdAt } = upload
    const isNamed = Object.keys(metadata).length > 0 // or the answer would have an empty header
    return new TusUpload({
      id,
      size,
      offset,
      creation_date: createdAt.toISOString(),
      ...(isNamed && { metadata }),
    })
  }

  /** @param _stream - empty: the bytes come straight from the connection */
  override async write(_stream: unknown, id: string, offset: number): Promise<number> {
    const { body } = this.#request
    if (body === null || this.upload === null)
      throw new AppError('MALFORMED_REQUEST', 'bytes must come by PATCH')
    const bytesMax = this.upload.bytes - offset
    const end = await receiveBytes(this.#deps, id, { ...body, offset, bytesMax })
    await this.getUpload(id) // for its new expiry
    return end
  }

  override remove(id: string): Promise<void> {
    this.upload = null
    return deleteUpload(this.#deps.db, this.#request.apiKeyId, id)
  }

  /** Milliseconds from the beginning of the upload. */
  override getExpiration(): number {
    if (this.upload === null) return 0
    return Math.max(1, this.upload.expiresAt.getTime() - this.upload.createdAt.getTime()) // 0 would be never
  }
}
