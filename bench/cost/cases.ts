/** A training on made-up bytes. */
export interface Case {
  examples: number
  features: number
  /** Units of each hidden layer. */
  units: number
  /** Hidden layers. */
  depth: number
  classes: number
  batchSize: number
}

/** From here one factor at a time changes. */
const BASE: Case = { examples: 20_000, features: 256, units: 128, depth: 2, classes: 10, batchSize: 128 }

const SERIES = {
  examples: [5_000, 10_000, 20_000, 40_000, 80_000],
  features: [16, 64, 256, 1_024, 4_096],
  units: [16, 64, 128, 256, 512, 1_024],
  depth: [1, 2, 4, 8, 16],
  batchSize: [16, 32, 64, 128, 256, 512],
} as const

/** A case with the factor that it is about. */
export interface NamedCase {
  factor: string
  value: number
  case: Case
}

/** How an epoch grows: every factor by itself. */
export const EPOCH_CASES: readonly NamedCase[] = Object.entries(SERIES).flatMap(([factor, values]) =>
  values.map(value => ({ factor, value, case: { ...BASE, [factor]: value } })),
)

/** Steps with next to no arithmetic in them: 4-4-2, 42 numbers. */
export const STEP_CASES: readonly NamedCase[] = [1, 2, 8, 32, 128].map(batchSize => ({
  factor: 'batchSize',
  value: batchSize,
  case: { examples: 2_000 * batchSize, features: 4, units: 4, depth: 1, classes: 2, batchSize },
}))

/** Floating-point operations of an epoch: 2 forward and 4 backward for each weight and example, less the first layer's input. */
export function countFlops({ examples, features, units, depth, classes }: Case): number {
  const first = features * units
  const others = (depth - 1) * units * units + units * classes
  return examples * (4 * first + 6 * others)
}
