// The network itself: from inputs as the first layer takes them to what the model answers. Weights are [inputs, units],
// row by row.

/**
 * Reads the weights of the model.
 * @param {string} base64 - float32, little-endian, one after the other
 * @param {{ name: string, shape: number[] }[]} variables
 */
export function readWeights(base64, variables) {
  const bytes = Uint8Array.from(atob(base64), character => character.charCodeAt(0))
  const weights = new Map()
  let from = 0
  for (const { name, shape } of variables) {
    const length = shape.reduce((product, dimension) => product * dimension, 1)
    weights.set(name, new Float32Array(bytes.buffer, from, length))
    from += length * 4
  }
  return weights
}

/** Activations of one example, `[units]` to `[units]`. */
const ACTIVATIONS = {
  linear: z => z,
  relu: z => z.map(x => Math.max(0, x)),
  leakyRelu: z => z.map(x => (x > 0 ? x : 0.2 * x)),
  elu: z => z.map(x => (x > 0 ? x : Math.expm1(x))),
  selu: z => z.map(x => 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * Math.expm1(x))),
  gelu: z => z.map(x => (x * (1 + erf(x * Math.SQRT1_2))) / 2),
  silu: z => z.map(x => x * sigmoid(x)),
  softplus: z => z.map(x => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))),
  sigmoid: z => z.map(sigmoid),
  tanh: z => z.map(Math.tanh),
  softmax,
}

function sigmoid(x) {
  return 1 / (1 + Math.exp(-x))
}

function softmax(z) {
  const max = z.reduce((most, x) => Math.max(most, x), Number.NEGATIVE_INFINITY)
  const powers = z.map(x => Math.exp(x - max))
  const sum = powers.reduce((total, x) => total + x, 0)
  return powers.map(x => x / sum)
}

/** The error function by a series of positive terms (Abramowitz & Stegun, 7.1.6). */
function erf(x) {
  if (!(Math.abs(x) < 6)) return Math.sign(x)
  let term = x
  let sum = 0
  for (let n = 1; sum + term !== sum; n++) {
    sum += term
    term *= (2 * x * x) / (2 * n + 1)
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum
}

/** Layers of one example, by their type. */
const LAYERS = {
  dense({ name, units, activation }, weights, x) {
    const kernel = weights.get(`${name}/kernel`)
    const z = Float64Array.from(weights.get(`${name}/bias`) ?? new Float32Array(units))
    x.forEach((input, row) => {
      if (input === 0) return
      for (let unit = 0; unit < units; unit++) z[unit] += input * kernel[row * units + unit]
    })
    return ACTIVATIONS[activation](z)
  },
  activation: ({ activation }, _weights, x) => ACTIVATIONS[activation](x),
  dropout: (_layer, _weights, x) => x,
  batchNormalization({ name, epsilon }, weights, x) {
    const mean = weights.get(`${name}/moving_mean`)
    const variance = weights.get(`${name}/moving_variance`)
    const normalized = x.map((input, unit) => (input - mean[unit]) / Math.sqrt(variance[unit] + epsilon))
    return scaleAndShift(name, weights, normalized)
  },
  layerNormalization({ name, epsilon }, weights, x) {
    const mean = x.reduce((sum, input) => sum + input, 0) / x.length
    const variance = x.reduce((sum, input) => sum + (input - mean) ** 2, 0) / x.length
    const normalized = x.map(input => (input - mean) / Math.sqrt(variance + epsilon))
    return scaleAndShift(name, weights, normalized)
  },
}

function scaleAndShift(name, weights, x) {
  const gamma = weights.get(`${name}/gamma`)
  const beta = weights.get(`${name}/beta`)
  return x.map((input, unit) => input * (gamma?.[unit] ?? 1) + (beta?.[unit] ?? 0))
}

/**
 * What the model answers for one example: the probability of each class, or numbers in their own units.
 * @param {Float64Array} inputs - as the first layer takes them
 */
export function runNetwork({ layers, kind, target }, weights, inputs) {
  const outputs = layers.reduce((x, layer) => LAYERS[layer.type](layer, weights, x), inputs)
  if (kind === 'classification' && outputs.length === 1) return Float64Array.of(1 - outputs[0], outputs[0])
  return target ? outputs.map((output, unit) => output * target[unit].spread + target[unit].center) : outputs
}

/** Calibrated probabilities: softmax(logits / temperature). */
export function applyTemperature(probabilities, temperature) {
  return softmax(probabilities.map(probability => Math.log(Math.max(probability, 2 ** -149)) / temperature))
}
