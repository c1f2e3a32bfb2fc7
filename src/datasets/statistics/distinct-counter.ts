/** Values that are remembered one by one; of more the number is an estimate. */
const EXACT_MAX = 256
const SLOTS = 1_024
/** 2^11 registers: a standard error of 1.04 / √2048 = 2.3 %. */
const REGISTER_BITS = 11
const REGISTERS = 2 ** REGISTER_BITS
/** Below the bits that the rank is taken from. */
const LAST_BIT = 2 ** (REGISTER_BITS - 1)

/** How many different numbers there are, in constant memory. */
export interface DistinctCounter {
  /** Adds a number. */
  add(value: number): void
  /** Adds every `width`th number from `start` to `end`, but for NaN. */
  addColumn(cells: Float64Array, start: number, end: number, width: number): void
  /** Exact up to 256, an estimate with a standard error of 2.3 % beyond. */
  count(): number
  /** All different values, in no order; null when they are more than 256. */
  values(): number[] | null
  merge(other: DistinctCounter): void
  readonly registers: Uint8Array
}

/**
 * A counter that has seen nothing: a table of the first values, and HyperLogLog for when they are more.
 * Its hashes have 32 bits: of 10^8 values 1 % are taken for others.
 * @see Flajolet, Fusy, Gandouet & Meunier, "HyperLogLog" (2007), figure 3, with linear counting for small numbers
 */
export function createDistinctCounter(): DistinctCounter {
  let table: Float64Array | null = new Float64Array(SLOTS).fill(Number.NaN)
  let known = 0
  const registers = new Uint8Array(REGISTERS)

  const one = new Float64Array(1)

  /** Puts a value into the table, which ends with too many. */
  function remember(values: Float64Array, value: number, hash: number): void {
    let slot = hash & (SLOTS - 1)
    let found = values[slot] ?? 0
    while (!Number.isNaN(found) && found !== value) {
      slot = (slot + 1) & (SLOTS - 1)
      found = values[slot] ?? 0
    }
    if (found === value) return
    values[slot] = value
    if (++known > EXACT_MAX) table = null
  }

  const counter: DistinctCounter = {
    registers,
    add(value) {
      one[0] = value
      counter.addColumn(one, 0, 1, 1)
    },
    addColumn(cells, start, end, width) {
      const words = new Int32Array(cells.buffer, cells.byteOffset, 2 * end)
      for (let at = start; at < end; at += width) {
        const value = cells[at] ?? 0
        if (Number.isNaN(value)) continue
        const hash = mix(words[2 * at] ?? 0, words[2 * at + 1] ?? 0)
        if (table !== null) remember(table, value, hash)
        const register = hash >>> (32 - REGISTER_BITS)
        const rank = Math.clz32((hash << REGISTER_BITS) | LAST_BIT) + 1
        if (rank > (registers[register] ?? 0)) registers[register] = rank
      }
    },
    count: () => (table === null ? estimate(registers) : known),
    values: () => (table === null ? null : Array.from(table).filter(value => !Number.isNaN(value))),
    merge(other) {
      const values = other.values()
      if (values === null) table = null
      for (const value of values ?? []) counter.add(value)
      other.registers.forEach((rank, register) => {
        registers[register] = Math.max(rank, registers[register] ?? 0)
      })
    },
  }
  return counter
}

/** Spreads 64 bits over 32, each of which depends on all. @see MurmurHash3's finalizer (Appleby) */
function mix(low: number, high: number): number {
  let hash = Math.imul(low ^ Math.imul(high, 0x9e3779b1), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13) ^ high, 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

function estimate(registers: Uint8Array): number {
  let sum = 0
  let empty = 0
  for (const rank of registers) {
    sum += 2 ** -rank
    if (rank === 0) empty++
  }
  const raw = ((0.7213 / (1 + 1.079 / REGISTERS)) * REGISTERS ** 2) / sum
  return Math.round(raw <= 2.5 * REGISTERS && empty > 0 ? REGISTERS * Math.log(REGISTERS / empty) : raw)
}
