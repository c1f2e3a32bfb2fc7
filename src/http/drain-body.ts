import type { FastifyRequest } from 'fastify'

/** How much of a refused body is still read, so that the client gets to read the answer. */
const DRAIN_BYTES_MAX = 256 * 1024 ** 2

/** Reads the rest of a body and throws it away, for a client that is still sending would never see the answer. */
export async function drainBody({ raw }: FastifyRequest): Promise<void> {
  if (raw.readableEnded || raw.destroyed) return
  raw.unpipe()
  let bytes = 0
  await new Promise<void>(resolve => {
    raw
      .once('end', resolve)
      .once('close', resolve)
      .once('error', () => resolve())
    raw.on('data', (piece: Buffer) => {
      bytes += piece.length
      if (bytes > DRAIN_BYTES_MAX) resolve()
    })
    raw.resume()
  })
}
