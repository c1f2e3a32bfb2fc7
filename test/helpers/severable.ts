import { once } from 'node:events'
import net from 'node:net'

/** A way to a server that can be cut off, as a network or a restart would. */
export interface SeverableRoute {
  /** The address that goes the way. */
  url: string
  /** Breaks every connection and refuses new ones. */
  cut(): void
  /** How many connections were refused. */
  refusals(): number
  /** Lets connections through again. */
  mend(): void
  /** Keeps back what the server says from now on. */
  hold(): void
  /** What was kept back. */
  held(): Buffer
  /** Hands over what was kept back, in one piece, and ends the connections that it belongs to. */
  letGo(): void
  close(): Promise<void>
}

/** Forwards a port of the loopback to the server of `target`. */
export async function openSeverableRoute(target: string): Promise<SeverableRoute> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<net.Socket>()
  const heldOf = new Map<net.Socket, Buffer>()
  let isCut = false
  let isHolding = false
  let refusals = 0
  const server = net.createServer(near => {
    if (isCut) {
      refusals++
      return near.destroy()
    }
    const far = net.connect(Number(port), hostname)
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        sockets.delete(socket)
        if (!heldOf.has(other)) other.destroy()
      })
    }
    near.pipe(far)
    far.on('data', piece => {
      if (isHolding) heldOf.set(near, Buffer.concat([heldOf.get(near) ?? Buffer.alloc(0), piece]))
      else near.write(piece)
    })
    far.on('end', () => {
      if (!heldOf.has(near)) near.end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(target)
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as net.AddressInfo).port)
  const sever = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    url: url.href,
    cut() {
      isCut = true
      sever()
    },
    refusals: () => refusals,
    mend() {
      isCut = false
    },
    hold() {
      isHolding = true
    },
    held: () => Buffer.concat([...heldOf.values()]),
    letGo() {
      isHolding = false
      for (const [near, piece] of heldOf) near.end(piece)
      heldOf.clear()
    },
    async close() {
      sever()
      server.close()
      await once(server, 'close')
    },
  }
}
