import { expect, it } from 'vitest'
import { rankIndices } from '../../../src/inference/rank-classes.ts'
import { createRandom } from '../../../src/mlp/random.ts'

it('the best come first, and of equal ones the first in the list, whether few or many are asked for', () => {
  const random = createRandom(3, 'probabilities')
  for (const classes of [1, 2, 10, 40]) {
    const probabilities = Float32Array.from({ length: classes }, () => Math.floor(random.uniform() * 8) / 8)
    const sorted = [...probabilities.keys()].sort(
      (a, b) => (probabilities[b] ?? 0) - (probabilities[a] ?? 0) || a - b,
    )
    for (const topK of [1, 2, 5, 16, 17, 100]) {
      expect(rankIndices(probabilities, topK)).toEqual(sorted.slice(0, topK))
    }
  }
})
