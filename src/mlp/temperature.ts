/** Temperatures are looked for between 1 / LIMIT and LIMIT; where every example is right, the best one is 0. */
const LIMIT = 20

const STEPS_MAX = 100
const TOLERANCE = 1e-9

/** The smallest float32 above 0: a probability that was rounded to 0 counts as it, for its logarithm is wanted. */
const TINY = 2 ** -149

/**
 * Probabilities as they are with the logits divided by a temperature: softmax(z / T). Logits need not be known, for
 * z and log softmax(z) differ by a constant for each example, which softmax takes away. One sigmoid unit is the
 * softmax of two classes, `[1 − p, p]`.
 * @param probabilities - `[examples, classes]`, row by row
 * @see Guo et al. (2017), "On Calibration of Modern Neural Networks", eq. 9
 */
export function applyTemperature(
  probabilities: Float32Array,
  classes: number,
  temperature: number,
): Float32Array {
  const scaled = new Float32Array(probabilities.length)
  const row = new Float64Array(classes)
  for (let from = 0; from < probabilities.length; from += classes) {
    let max = Number.NEGATIVE_INFINITY
    for (let i = 0; i < classes; i++) {
      row[i] = logitOf(probabilities[from + i]) / temperature
      max = Math.max(max, row[i] ?? max)
    }
    let sum = 0
    for (let i = 0; i < classes; i++) {
      row[i] = Math.exp((row[i] ?? 0) - max)
      sum += row[i] ?? 0
    }
    for (let i = 0; i < classes; i++) scaled[from + i] = (row[i] ?? 0) / sum
  }
  return scaled
}

/**
 * The temperature with the smallest negative log-likelihood. In β = 1 / T it is convex, Σ log Σⱼ exp(β zⱼ) − β z_y, with the
 * first derivative Σ (E[z] − z_y) and the second Σ Var[z], both under softmax(β z); so Newton's method, kept inside
 * a bracket by bisection, finds it.
 * @param probabilities - `[examples, classes]`, row by row, of examples that the network was not trained on
 * @param labels - class numbers, `[examples]`
 * @returns 1 where there is nothing to fit
 * @see Guo et al. (2017), section 4.2; Press et al., "Numerical Recipes", section 9.4 (rtsafe)
 */
export function fitTemperature(probabilities: Float32Array, labels: Int32Array): number {
  const logits = Float64Array.from(probabilities, logitOf)
  let [low, high] = [1 / LIMIT, LIMIT]
  let beta = 1
  for (let step = 0; step < STEPS_MAX; step++) {
    const { slope, curvature } = differentiate(logits, labels, beta)
    if (slope === 0) break
    if (slope > 0) high = beta
    else low = beta
    const newton = beta - slope / curvature
    const next = newton > low && newton < high ? newton : Math.sqrt(low * high)
    const isDone = Math.abs(next - beta) <= TOLERANCE * beta
    beta = next
    if (isDone) break
  }
  return 1 / beta
}

function differentiate(logits: Float64Array, labels: Int32Array, beta: number) {
  const classes = logits.length / labels.length
  let slope = 0
  let curvature = 0
  for (let example = 0; example < labels.length; example++) {
    const from = example * classes
    let max = Number.NEGATIVE_INFINITY
    for (let i = from; i < from + classes; i++) max = Math.max(max, logits[i] ?? max)
    const moments = { sum: 0, first: 0, second: 0 }
    for (let i = from; i < from + classes; i++) {
      const z = (logits[i] ?? 0) - max
      const weight = Math.exp(beta * z)
      moments.sum += weight
      moments.first += weight * z
      moments.second += weight * z * z
    }
    const mean = moments.first / moments.sum
    slope += mean - ((logits[from + (labels[example] ?? 0)] ?? 0) - max)
    curvature += moments.second / moments.sum - mean * mean
  }
  return { slope, curvature }
}

function logitOf(probability = 0): number {
  return Math.log(Math.max(probability, TINY))
}
