import type { FastifyInstance } from 'fastify'

/**
 * Watches the routes as they are made.
 * @returns the methods that an address has, sorted; none when there is nothing at all
 */
export function watchRoutes(app: FastifyInstance): (path: string) => string[] {
  const methodsByAddress = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method }) => {
    const methods = methodsByAddress.get(url) ?? new Set()
    for (const one of [method].flat()) methods.add(one)
    methodsByAddress.set(url, methods)
  })
  return path => {
    const found = [...methodsByAddress].filter(([address]) => toPattern(address).test(path))
    return [...new Set(found.flatMap(([, methods]) => [...methods]))].sort()
  }
}

/** @see find-my-way: `:name` up to the next slash, or as the pattern behind it says, `*` the rest, `::` a colon */
function toPattern(address: string): RegExp {
  const source = address.replaceAll(/::|:\w+(\([^)]*\))?|[.*+?^${}()|[\]\\]/g, (piece, pattern) => {
    if (piece === '::') return ':'
    if (piece === '*') return '.*'
    if (pattern) return pattern
    return piece.startsWith(':') ? '[^/]+' : `\\${piece}`
  })
  return new RegExp(`^${source}$`)
}
