import type { Loss } from './loss.ts'

/**
 * L = −log ŷ_label with ŷ = softmax(z), computed from the logits as log Σ e^(zⱼ − max) − (z_label − max).
 * Back: ∂L/∂z = ŷ − y, y the one-hot label.
 * @see Bishop, "Pattern Recognition and Machine Learning" (2006), eq. 4.108 and 4.109
 */
export const categoricalCrossentropy: Loss = {
  onLogits: 'softmax',
  forward(graph, { logits, labels }) {
    return this.forwardAndBackward(graph, { logits, labels, predictions: logits }).losses
  },
  forwardAndBackward(graph, { logits, labels }) {
    const losses = graph.value(['batch'])
    const gradient = graph.value(logits.shape)
    graph.emit({ kind: 'softmaxCrossEntropy', logits, labels, output: losses, gradient })
    return { losses, gradient }
  },
}
