import { once } from 'node:events'
import http from 'node:http'

/** A reverse proxy before several processes. */
export interface Balancer {
  url: string
  /** Takes processes in, or out: from then on no new request goes there. */
  setBackends(urls: readonly string[]): void
  close(): Promise<void>
}

/**
 * Hands requests on to the backends in turn, over connections that are kept. As nginx does by default, it tries the next
 * backend when one takes no connection or breaks it before its answer begins; what is answered, is answered.
 * @see nginx, ngx_http_proxy_module, `proxy_next_upstream error timeout`
 */
export async function startBalancer(): Promise<Balancer> {
  let backends: readonly string[] = []
  let turn = 0
  const agent = new http.Agent({ keepAlive: true })

  const server = http.createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', piece => pieces.push(piece))
    request.on('end', () => forward(request, response, Buffer.concat(pieces), backends.length))
  })

  const forward = (
    request: http.IncomingMessage,
    response: http.ServerResponse,
    body: Buffer,
    tries: number,
  ): void => {
    const backend = backends[turn++ % backends.length]
    const fail = (): void => {
      if (response.headersSent) return void response.destroy()
      if (tries > 1) return forward(request, response, body, tries - 1)
      response.writeHead(502).end()
    }
    if (!backend) return fail()
    const { connection: _, ...headers } = request.headers
    const upstream = http.request(`${backend}${request.url}`, { method: request.method, headers, agent })
    upstream.on('response', answer => {
      const { connection: _, ...kept } = answer.headers
      response.writeHead(answer.statusCode ?? 502, kept)
      answer.pipe(response)
      answer.on('error', () => response.destroy())
    })
    upstream.on('error', fail)
    upstream.end(body)
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a port was asked for')
  return {
    url: `http://127.0.0.1:${address.port}`,
    setBackends(urls) {
      backends = urls
    },
    async close() {
      agent.destroy()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
