import { createHash } from 'node:crypto'
import type { Allocation } from '../../models/aliases/state.ts'

/**
 * The version that answers, of those that an alias is split over.
 * @param point - in [0, 1), spread evenly over requests or sessions. The oldest version has the lowest points, so that
 *   whoever is with a newer one stays with it while its weight grows
 */
export function chooseTarget(targets: Allocation['targets'], point: number): number {
  const whole = targets.reduce((sum, { weight }) => sum + weight, 0)
  let left = point * whole
  for (const { version, weight } of targets) {
    left -= weight
    if (left < 0) return version
  }
  const last = targets.at(-1)
  if (!last) throw new Error('an alias must have a target')
  return last.version
}

/**
 * The point of a session: the same for one alias of one model, whatever its weights and whichever process answers.
 * @returns in [0, 1)
 */
export function pointOf(model: string, alias: string, session: string): number {
  const hash = createHash('sha256')
    .update(JSON.stringify([model, alias, session]))
    .digest()
  return hash.readUIntBE(0, 6) / 2 ** 48
}
