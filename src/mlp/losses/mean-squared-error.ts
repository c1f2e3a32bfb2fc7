import { unitsOf } from '../graph.ts'
import type { Loss } from './loss.ts'

/**
 * L = mean over units of (ŷ − y)². Back: ∂L/∂ŷ = 2 (ŷ − y) / units.
 * @see keras/src/losses/losses.py, mean_squared_error
 */
export const meanSquaredError: Loss = {
  onLogits: null,
  forward(graph, input) {
    return this.forwardAndBackward(graph, input).losses
  },
  forwardAndBackward(graph, { predictions, labels }) {
    const units = unitsOf(predictions)
    const error = graph.binary('subtract', predictions, graph.targets(labels, units))
    return { losses: graph.meanUnits(graph.unary('square', error)), gradient: graph.scale(error, 2 / units) }
  },
}
