/**
 * The indices of the `topK` highest numbers, highest first; of equal ones the first in the list.
 * @param probabilities - one for each class
 */
export function rankIndices(probabilities: Float32Array, topK: number): number[] {
  if (topK > FEW) return sortIndices(probabilities).slice(0, topK)
  const top: number[] = []
  for (let index = 0; index < probabilities.length; index++) {
    const isBetterThan = (place: number) =>
      (probabilities[index] ?? 0) > (probabilities[top[place] ?? 0] ?? 0)
    const isFull = top.length === topK
    if (isFull && !isBetterThan(topK - 1)) continue
    let place = isFull ? topK - 1 : top.length
    for (; place > 0 && isBetterThan(place - 1); place--) top[place] = top[place - 1] ?? 0
    top[place] = index
  }
  return top
}

/** Up to here it is faster to put each number in its place than to sort all of them. */
const FEW = 16

function sortIndices(probabilities: Float32Array): number[] {
  return Array.from(probabilities.keys()).sort(
    (a, b) => (probabilities[b] ?? 0) - (probabilities[a] ?? 0) || a - b,
  )
}

/**
 * The `topK` most probable classes, best first; of equal ones the first in the list.
 * @param probabilities - one for each class
 */
export function rankClasses(
  probabilities: Float32Array,
  classes: readonly string[],
  topK: number,
): { label: string; probability: number }[] {
  return rankIndices(probabilities, topK).map(index => ({
    label: classes[index] ?? '',
    probability: probabilities[index] ?? 0,
  }))
}
