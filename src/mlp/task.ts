/**
 * What a network learns: one class of each example, any number of classes, or numbers. The targets of a
 * classification are class numbers, `[batch] int32`; of the others `[batch, units] float32`.
 */
export const TASKS = ['classification', 'multiLabel', 'regression'] as const

/** What a network learns. */
export type Task = (typeof TASKS)[number]

/** Targets as they are handed around: class numbers, or `[examples, units]` row by row. */
export type Targets = Int32Array | Float32Array

/** Whether the targets are class numbers. */
export function areClasses(targets: Targets): targets is Int32Array {
  return targets instanceof Int32Array
}
