/**
 * The `topK` most probable classes, best first; of equal ones the first in the list.
 * @param probabilities - one for each class
 */
export function rankClasses(
  probabilities: Float32Array,
  classes: readonly string[],
  topK: number,
): { label: string; probability: number }[] {
  return Array.from(probabilities, (probability, index) => ({ label: classes[index] ?? '', probability }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, topK)
}
