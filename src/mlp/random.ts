/** A seeded stream of random numbers. */
export interface Random {
  /** Uniform in [0, 1), in steps of 2⁻³². */
  uniform(): number
  /** Standard normal. */
  normal(): number
  /** An integer uniform in [0, bound), for bounds up to 2³² (bias below bound / 2³²). */
  integer(bound: number): number
}

/**
 * The stream that belongs to a seed and a purpose. Every use of randomness names its own stream (`shuffle/3`,
 * `initialize/dense_1/kernel`), so the whole random state of a training run is its seed and its place: nothing
 * else has to be stored to resume it exactly.
 * @param seed - an integer in 0 … 2⁵³ − 1
 * @see Blackman & Vigna, "Scrambled linear pseudorandom number generators" (2021): xoshiro128**, seeded with
 *   splitmix32 as its authors advise
 */
export function createRandom(seed: number, purpose: string): Random {
  const next = xoshiro128(fnv1a(`${seed}/${purpose}`))
  let spare: number | null = null
  const uniform = () => next() / 2 ** 32
  return {
    uniform,
    integer: bound => Math.floor(uniform() * bound),
    normal() {
      if (spare !== null) {
        const kept = spare
        spare = null
        return kept
      }
      // Box & Muller (1958); 1 − u is in (0, 1], so the logarithm is finite.
      const radius = Math.sqrt(-2 * Math.log(1 - uniform()))
      const angle = 2 * Math.PI * uniform()
      spare = radius * Math.sin(angle)
      return radius * Math.cos(angle)
    },
  }
}

/**
 * The numbers 0 … count − 1 in random order.
 * @see Fisher–Yates shuffle, Knuth, TAOCP vol. 2, algorithm 3.4.2 P
 */
export function permutation(random: Random, count: number): Int32Array {
  const order = Int32Array.from({ length: count }, (_, index) => index)
  for (let last = count - 1; last > 0; last--) {
    const other = random.integer(last + 1)
    const kept = order[last] as number
    order[last] = order[other] as number
    order[other] = kept
  }
  return order
}

/** A 32-bit number of a text. @see Fowler, Noll & Vo, FNV-1a */
export function fnv1a(text: string): number {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  }
  return value >>> 0
}

function xoshiro128(seed: number): () => number {
  let mixed = seed
  const splitmix = () => {
    mixed = (mixed + 0x9e3779b9) | 0
    let z = mixed
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return z ^ (z >>> 15)
  }
  let [a, b, c, d] = [splitmix(), splitmix(), splitmix(), splitmix()]
  return () => {
    const scrambled = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9)
    const shifted = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = rotateLeft(d, 11)
    return scrambled >>> 0
  }
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits))
}
