import { once } from 'node:events'
import http from 'node:http'
import type { MadeFile } from './files.ts'

const BOUNDARY = 'trainyard-bench-7d9f3c2a1b'

/**
 * Posts a file as multipart/form-data over one connection, made while it is sent.
 * @returns the answer, parsed
 * @throws Error when it is no success
 */
export async function postFile(url: string, key: string, file: MadeFile): Promise<unknown> {
  const request = http.request(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': `multipart/form-data; boundary=${BOUNDARY}` },
  })
  const answered = once(request, 'response')
  answered.catch(() => {}) // it is awaited once all is sent
  for (const piece of bodyOf(file)) {
    if (!request.write(piece)) await Promise.race([once(request, 'drain'), answered])
  }
  request.end()
  const [response] = (await answered) as [http.IncomingMessage]
  const pieces: Buffer[] = []
  for await (const piece of response) pieces.push(piece)
  const text = Buffer.concat(pieces).toString()
  if ((response.statusCode ?? 500) >= 300) throw new Error(`${file.label}: ${response.statusCode} ${text}`)
  return JSON.parse(text)
}

function* bodyOf(file: MadeFile): Generator<Buffer> {
  yield Buffer.from(`--${BOUNDARY}\r\ncontent-disposition: form-data; name="name"\r\n\r\nbench\r\n`)
  yield headOf(file.part)
  yield* file.pieces()
  for (const { part, content } of file.others) {
    yield Buffer.from('\r\n')
    yield headOf(part)
    yield content
  }
  yield Buffer.from(`\r\n--${BOUNDARY}--\r\n`)
}

function headOf(part: string): Buffer {
  const head = `content-disposition: form-data; name="${part}"; filename="${part}"\r\ncontent-type: application/octet-stream`
  return Buffer.from(`--${BOUNDARY}\r\n${head}\r\n\r\n`)
}
