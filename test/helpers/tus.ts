import { createHash } from 'node:crypto'
import http from 'node:http'
import { TEST_KEY, type TestService } from './service.ts'

/** Headers of every request of the protocol. */
export const TUS = { 'tus-resumable': '1.0.0' }

/** Begins an upload. @returns its id */
export async function beginUpload(service: TestService, bytes: number, headers: Record<string, string> = {}) {
  const response = await service.request('/v1/uploads', {
    method: 'POST',
    headers: { ...TUS, 'upload-length': String(bytes), ...headers },
  })
  if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`)
  return response.headers.get('location')?.split('/').at(-1) ?? ''
}

/** Sends bytes of an upload, from an offset. */
export function sendBytes(
  service: TestService,
  id: string,
  offset: number,
  bytes: Uint8Array,
  headers: Record<string, string> = {},
): Promise<Response> {
  return service.request(`/v1/uploads/${id}`, {
    method: 'PATCH',
    headers: {
      ...TUS,
      'upload-offset': String(offset),
      'content-type': 'application/offset+octet-stream',
      ...headers,
    },
    body: new Uint8Array(bytes),
  })
}

/** Uploads a whole file in two requests. @returns its id */
export async function uploadFile(service: TestService, bytes: Uint8Array): Promise<string> {
  const id = await beginUpload(service, bytes.length)
  const middle = Math.floor(bytes.length / 2)
  for (const [from, to] of [
    [0, middle],
    [middle, bytes.length],
  ] as const) {
    const response = await sendBytes(service, id, from, bytes.subarray(from, to))
    if (response.status !== 204) throw new Error(`${response.status} ${await response.text()}`)
  }
  return id
}

/** Where an upload goes on. */
export async function offsetOf(service: TestService, id: string): Promise<number> {
  const response = await service.request(`/v1/uploads/${id}`, { method: 'HEAD', headers: TUS })
  if (response.status !== 200) throw new Error(`HEAD: ${response.status}`)
  return Number(response.headers.get('upload-offset'))
}

/** A request for so many bytes whose sender stops where it likes. */
export interface SlowRequest {
  write(bytes: Uint8Array): void
  /** Breaks the connection. */
  breakOff(): void
  end(): void
  /** Status of the answer; null when there was none. */
  readonly status: Promise<number | null>
}

/** Begins to send bytes of an upload. */
export function openSlowRequest(url: string, id: string, offset: number, bytes: number): SlowRequest {
  const request = http.request(`${url}/v1/uploads/${id}`, {
    method: 'PATCH',
    headers: {
      ...TUS,
      authorization: `Bearer ${TEST_KEY}`,
      'upload-offset': offset,
      'content-type': 'application/offset+octet-stream',
      'content-length': bytes,
    },
  })
  const status = new Promise<number | null>(resolve => {
    request.once('response', response => {
      response.resume()
      resolve(response.statusCode ?? null)
    })
    request.once('error', () => resolve(null))
    request.once('close', () => resolve(null))
  })
  return {
    write: piece => void request.write(piece),
    breakOff: () => void request.destroy(),
    end: () => void request.end(),
    status,
  }
}

/** What `Upload-Checksum` and `Content-Digest` say of bytes. */
export function digestOf(bytes: Uint8Array, algorithm = 'sha256'): string {
  return createHash(algorithm).update(bytes).digest('base64')
}
