/**
 * The class that each row of predictions stands for: the unit with the greatest value, the first of equal ones; of
 * a single unit, class 1 from 0.5 on.
 * @param predictions - `[examples, units]`, row by row
 */
export function predictedClasses(predictions: Float32Array, units: number): Int32Array {
  const classes = new Int32Array(predictions.length / units)
  for (let example = 0; example < classes.length; example++) {
    const from = example * units
    if (units === 1) {
      classes[example] = (predictions[from] ?? 0) >= 0.5 ? 1 : 0
      continue
    }
    let best = 0
    for (let unit = 1; unit < units; unit++) {
      if ((predictions[from + unit] ?? 0) > (predictions[from + best] ?? 0)) best = unit
    }
    classes[example] = best
  }
  return classes
}

/**
 * Where an example may have several labels: 1 for each unit from 0.5 on, else 0.
 * @param predictions - `[examples, units]`, row by row
 */
export function chosenLabels(predictions: Float32Array): Int32Array {
  return Int32Array.from(predictions, probability => (probability >= 0.5 ? 1 : 0))
}
