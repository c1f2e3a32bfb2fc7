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
  close(): Promise<void>
}

/** Forwards a port of the loopback to the server of `target`. */
export async function openSeverableRoute(target: string): Promise<SeverableRoute> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<net.Socket>()
  let isCut = false
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
        other.destroy()
      })
      socket.pipe(other)
    }
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
    async close() {
      sever()
      server.close()
      await once(server, 'close')
    },
  }
}
