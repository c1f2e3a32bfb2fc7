import { areClasses, type Targets, type Task } from '../task.ts'

/** What a metric makes of the examples that it was given. */
export interface Accumulator {
  /** Sums that decide the value; they can be stored, and set again to go on from there. */
  readonly sums: Float64Array
  /**
   * Takes examples in.
   * @param predictions - `[examples, units]` float32
   * @param targets - class numbers, or what each unit should have given; as long as there are predictions
   */
  add(predictions: Float32Array, targets: Targets): void
  /** Null where the metric is not defined, as a precision without predictions. */
  value(): number | null
}

/** A measure of how good predictions are. */
export interface Metric {
  /** What it can judge. */
  tasks: readonly Task[]
  /** Whether more or less of it is better. */
  direction: 'max' | 'min'
  /** @param units - outputs of the network; one unit stands for two classes */
  accumulate(units: number): Accumulator
}

/** The number of classes that outputs stand for. */
export function classCount(units: number): number {
  return Math.max(2, units)
}

/**
 * The value that a unit should have had. Of classes it is 1 for the unit of the label, and a single unit should have
 * the label itself.
 * @param index - of the unit's prediction, row by row
 */
export function targetOf(targets: Targets, index: number, units: number): number {
  if (!areClasses(targets)) return targets[index] ?? 0
  const label = targets[Math.floor(index / units)] ?? 0
  if (units === 1) return label
  return label === index % units ? 1 : 0
}
