import { fnv1a } from './random.ts'

/** Rounds of the generator, as in the paper and in TensorFlow. */
const ROUNDS = 10

const [MULTIPLIER_0, MULTIPLIER_1] = [0xd2511f53, 0xcd9e8d57]
const [WEYL_0, WEYL_1] = [0x9e3779b9, 0xbb67ae85]

/** A 64-bit key as two 32-bit halves, the low one first. */
export type PhiloxKey = readonly [number, number]

/** The key of a seed and a purpose: its stream of random numbers is its own. */
export function philoxKey(seed: number, purpose: string): PhiloxKey {
  return [fnv1a(`${seed}/${purpose}`), fnv1a(`${purpose}/${seed}`)]
}

/**
 * Fills a mask for dropout: 0 where a uniform number in [0, 1) is below `rate`, else 1 / (1 − rate). The numbers
 * are a function of the key, the step and the place alone, so any part of a step's mask can be made anywhere:
 * unit `u` of example `e` has number `u mod 4` of the block whose counter is `(e · ⌈units / 4⌉ + ⌊u / 4⌋, step)`.
 * @param mask - `[examples, units]`, written
 * @see Salmon et al. (2011), "Parallel random numbers: as easy as 1, 2, 3": Philox-4x32-10
 * @see tensorflow/core/lib/random/random_distributions.h, Uint32ToFloat: the low 23 bits are the number
 */
export function fillDropoutMask(
  mask: Float32Array | Float64Array,
  units: number,
  { rate, key, step }: { rate: number; key: PhiloxKey; step: number },
): void {
  const blocksPerExample = Math.ceil(units / 4)
  const kept = 1 / (1 - rate)
  const block = new Uint32Array(4)
  const examples = mask.length / units
  for (let example = 0; example < examples; example++) {
    for (let index = 0; index < blocksPerExample; index++) {
      setCounter(block, example * blocksPerExample + index, step)
      philox4x32(block, key)
      const from = example * units + index * 4
      const count = Math.min(4, units - index * 4)
      for (let lane = 0; lane < count; lane++) {
        const uniform = ((block[lane] as number) & 0x7fffff) / 0x800000
        mask[from + lane] = uniform < rate ? 0 : kept
      }
    }
  }
}

/** Both halves are below 2⁵³. */
function setCounter(block: Uint32Array, low: number, high: number): void {
  block[0] = low >>> 0
  block[1] = (low / 2 ** 32) >>> 0
  block[2] = high >>> 0
  block[3] = (high / 2 ** 32) >>> 0
}

/**
 * Replaces a counter by its four random numbers.
 * @param block - four words, the lowest first
 * @see Salmon et al. (2011), section 3.3: ten rounds of Philox-4x32
 */
export function philox4x32(block: Uint32Array, key: PhiloxKey): void {
  let [k0, k1] = key
  let [c0, c1, c2, c3] = block as unknown as [number, number, number, number]
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0)
    const low0 = Math.imul(MULTIPLIER_0, c0)
    const high1 = multiplyHigh(MULTIPLIER_1, c2)
    const low1 = Math.imul(MULTIPLIER_1, c2)
    c0 = (high1 ^ c1 ^ k0) >>> 0
    c1 = low1 >>> 0
    c2 = (high0 ^ c3 ^ k1) >>> 0
    c3 = low0 >>> 0
    k0 = (k0 + WEYL_0) >>> 0
    k1 = (k1 + WEYL_1) >>> 0
  }
  block[0] = c0
  block[1] = c1
  block[2] = c2
  block[3] = c3
}

/** The upper 32 bits of the 64-bit product of two unsigned 32-bit integers. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff
  const aHigh = a >>> 16
  const bLow = b & 0xffff
  const bHigh = b >>> 16
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16)
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + (((middle & 0xffff) + aLow * bHigh) >>> 16)) >>> 0
}
