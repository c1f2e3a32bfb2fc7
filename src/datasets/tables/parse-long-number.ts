const ZERO = 0x30
const POINT = 0x2e

/** Powers of ten that float64 holds exactly. */
export const POWERS = Float64Array.from({ length: 23 }, (_, power) => Number(`1e${power}`))

/** Splits a float64 into two halves whose products are exact. @see Dekker (1971): 2^27 + 1 */
const SPLITTER = 2 ** 27 + 1

/**
 * The float64 that is nearest to a number of 16 to 18 digits, which one float64 does not hold. Two of them do: their
 * quotient is as exact as 104 bits are, and where even that does not tell on which side of the middle between two
 * float64 it lies, there is no answer.
 * @param bytes - digits, and maybe a point, from `start` to `end`
 * @param divisor - power of ten by which their number is divided, 0 to 22
 * @returns NaN where the digits are more, or the answer is not sure
 * @see Dekker, "A floating-point technique for extending the available precision" (1971)
 */
export function parseLongNumber(bytes: Uint8Array, start: number, end: number, divisor: number): number {
  let high = 0
  let low = 0
  let digits = 0
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0
    if (byte === POINT) continue
    const digit = byte - ZERO
    if (digits < 9) high = high * 10 + digit
    else low = low * 10 + digit
    if (digits > 0 || digit > 0) digits++
  }
  if (digits > 18 || divisor > 22) return Number.NaN
  // Both are exact: nine digits have 30 bits, and 10^9 has 21 beside its zeros.
  const scaled = digits > 9 ? high * (POWERS[digits - 9] ?? 1) : high
  const sum = scaled + low
  const lost = low - (sum - scaled)
  if (divisor === 0) return sum
  const by = POWERS[divisor] ?? 1
  const quotient = sum / by
  const correction = (remainder(sum, quotient, by) + lost) / by
  const doubt = Math.abs(correction) * 2 ** -50
  const number = quotient + (correction - doubt)
  return number === quotient + (correction + doubt) ? number : Number.NaN
}

/** `sum - quotient * by`, which float64 holds exactly when the quotient is that of a division. */
function remainder(sum: number, quotient: number, by: number): number {
  const product = quotient * by
  const [a, b] = [upperHalf(quotient), upperHalf(by)]
  const [c, d] = [quotient - a, by - b]
  const error = a * b - product + a * d + c * b + c * d
  return sum - product - error
}

function upperHalf(number: number): number {
  const scaled = SPLITTER * number
  return scaled - (scaled - number)
}
