import { createParser, type EventSourceMessage } from 'eventsource-parser'

/** A client of the API, as small as this page needs it. */
export interface Client {
  get<T>(path: string): Promise<T>
  /** The bytes of an answer. */
  download(path: string): Promise<Buffer>
  post<T>(path: string, body: FormData | Buffer | object, type?: string): Promise<T>
  /** The events of a stream, as they arrive, until it ends. */
  events(path: string): AsyncGenerator<{ type: string; data: Record<string, unknown> }>
}

/** @param key - an API key */
export function createClient(url: string, key: string): Client {
  const headers = { authorization: `Bearer ${key}` }
  const ask = async (path: string, init: RequestInit): Promise<Response> => {
    const response = await fetch(`${url}${path}`, { ...init, headers: { ...headers, ...init.headers } })
    if (!response.ok)
      throw new Error(`${init.method ?? 'GET'} ${path}: ${response.status} ${await response.text()}`)
    return response
  }
  // The answers' types are the caller's word: it knows the API's schemas.
  const read = async <T>(response: Response) => (await response.json()) as T
  return {
    get: async <T>(path: string) => read<T>(await ask(path, {})),
    download: async path => Buffer.from(await (await ask(path, {})).arrayBuffer()),
    async post<T>(path: string, body: FormData | Buffer | object, type = 'application/json') {
      if (body instanceof FormData) return read<T>(await ask(path, { method: 'POST', body }))
      const content = Buffer.isBuffer(body) ? new Uint8Array(body) : JSON.stringify(body)
      return read<T>(await ask(path, { method: 'POST', body: content, headers: { 'content-type': type } }))
    },
    async *events(path) {
      const { body } = await ask(path, { headers: { accept: 'text/event-stream' } })
      const messages: EventSourceMessage[] = []
      const parser = createParser({ onEvent: message => void messages.push(message) })
      for await (const piece of body?.pipeThrough(new TextDecoderStream()) ?? []) {
        parser.feed(piece)
        for (const { event, data } of messages.splice(0)) yield { type: event ?? '', data: JSON.parse(data) }
      }
    },
  }
}
