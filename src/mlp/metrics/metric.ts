/** What a metric makes of the examples that it was given. */
export interface Accumulator {
  /** Sums that decide the value; they can be stored, and set again to go on from there. */
  readonly sums: Float64Array
  /**
   * Takes examples in.
   * @param predictions - `[examples, units]` float32
   * @param labels - `[examples]`, class numbers
   */
  add(predictions: Float32Array, labels: Int32Array): void
  /** Null where the metric is not defined, as a precision without predictions. */
  value(): number | null
}

/** A measure of how good predictions are. */
export interface Metric {
  /** Whether more or less of it is better. */
  direction: 'max' | 'min'
  /** @param units - outputs of the network; one unit stands for two classes */
  accumulate(units: number): Accumulator
}

/** The number of classes that outputs stand for. */
export function classCount(units: number): number {
  return Math.max(2, units)
}

/** The value that a unit should have had: 1 for the unit of the label; a single unit should have the label itself. */
export function targetOf(label: number, unit: number, units: number): number {
  if (units === 1) return label
  return label === unit ? 1 : 0
}
