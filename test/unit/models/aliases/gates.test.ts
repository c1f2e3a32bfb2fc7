import { describe, expect, it } from 'vitest'
import { failedGates } from '../../../../src/models/aliases/gates.ts'
import type { EvaluatedVersion } from '../../../../src/models/comparison/same-examples.ts'

/** Fifty examples of two classes in turn, of which the first so many are taken for the other class. */
function version(number: number, wrong: number, examplesSha256 = 'same'): EvaluatedVersion {
  const actual = Int32Array.from({ length: 50 }, (_, index) => index % 2)
  const predicted = actual.map((label, index) => (index < wrong ? 1 - label : label))
  const dataset = { id: 'ds_1', sha256: '' }
  const classes = ['no', 'yes']
  return {
    version: number,
    outcomes: { dataset, split: 'test', examplesSha256, classes, rows: null, actual, predicted },
  }
}

const strict = { notWorseThanCurrent: { alpha: 0.05 } }

describe('gates', () => {
  it('let a version pass that just fulfils them', () => {
    const gates = { minAccuracy: 0.8, minClassRecall: 0.8 }
    expect(failedGates(gates, version(2, 10), null)).toEqual([])
    expect(failedGates(gates, version(2, 11), null)).toEqual([
      'minAccuracy: accuracy must be at least 0.8; version 2 has 0.78',
      'minClassRecall: recall of every class must be at least 0.8; of version 2 no has 0.76',
    ])
  })

  it('let a version be worse by chance, but not significantly so', () => {
    // 5 discordant pairs, all against it: 2 / 2⁵ = 0.0625; 6: 2 / 2⁶ = 0.03125.
    expect(failedGates(strict, version(2, 5), version(1, 0))).toEqual([])
    expect(failedGates(strict, version(2, 6), version(1, 0))).toEqual([
      expect.stringContaining('right on 0 examples, the other on 6 (p = 0.0313, below 0.05)'),
    ])
    expect(failedGates(strict, version(2, 0), version(1, 6))).toEqual([])
  })

  it('let a version pass that nothing is before, and none that cannot be judged', () => {
    expect(failedGates(strict, version(2, 50), null)).toEqual([])
    const unknown = { version: 2, outcomes: null }
    expect(
      failedGates({ minAccuracy: 0, minClassRecall: 0, ...strict }, unknown, version(1, 0)),
    ).toHaveLength(3)
    expect(failedGates(strict, version(2, 0), { version: 1, outcomes: null })).toHaveLength(1)
    expect(failedGates(strict, version(2, 0, 'other'), version(1, 0))).toHaveLength(1)
  })
})
