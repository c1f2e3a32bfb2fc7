import { unitsOf } from '../graph.ts'
import type { Loss } from './loss.ts'

/**
 * L = −mean over units of y log ŷ + (1 − y) log(1 − ŷ) with ŷ = σ(z), computed from the logits as
 * max(z, 0) − z y + log(1 + e^−|z|). Back: ∂L/∂z = (ŷ − y) / units.
 * @see tf.nn.sigmoid_cross_entropy_with_logits for the form that cannot overflow
 */
export const binaryCrossentropy: Loss = {
  onLogits: 'sigmoid',
  forward(graph, { logits: z, labels }) {
    const y = graph.targets(labels, unitsOf(z))
    const linear = graph.binary('subtract', graph.unary('relu', z), graph.binary('multiply', z, y))
    const logistic = graph.unary('softplus', graph.scale(graph.unary('abs', z), -1))
    return graph.meanUnits(graph.binary('add', linear, logistic))
  },
  forwardAndBackward(graph, input) {
    const { predictions, labels } = input
    const units = unitsOf(predictions)
    const error = graph.binary('subtract', predictions, graph.targets(labels, units))
    return { losses: this.forward(graph, input), gradient: graph.scale(error, 1 / units) }
  },
}
