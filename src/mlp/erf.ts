/** Beyond it erf is ±1 in double precision. */
const LARGE = 6

/**
 * The error function, (2 / √π) ∫₀ˣ e^(−t²) dt, to the last digits of a double.
 * @see Abramowitz & Stegun, "Handbook of Mathematical Functions", 7.1.6: a series of positive terms
 */
export function erf(x: number): number {
  if (!(Math.abs(x) < LARGE)) return Math.sign(x) // NaN too
  let term = x
  let sum = 0
  for (let n = 1; sum + term !== sum; n++) {
    sum += term
    term *= (2 * x * x) / (2 * n + 1)
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum
}
