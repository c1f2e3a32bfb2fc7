import { describe, expect, it } from 'vitest'
import { compareByMcNemar, testDiscordant } from '../../../../src/models/comparison/mcnemar.ts'

describe('McNemar’s test', () => {
  it('is exact for few discordant pairs: twice the smaller tail of the binomial distribution', () => {
    // n = 6, min = 1: 2 (1 + 6) / 64.
    expect(testDiscordant(1, 5)).toEqual({ method: 'exact-binomial', statistic: null, pValue: 14 / 64 })
    expect(testDiscordant(5, 1).pValue).toBe(14 / 64)
    // n = 24, min = 0: 2 / 2²⁴.
    expect(testDiscordant(0, 24).pValue).toBe(2 / 2 ** 24)
  })

  it('is certain that nothing differs where nothing does, and never above 1', () => {
    expect(testDiscordant(0, 0).pValue).toBe(1)
    expect(testDiscordant(4, 4).pValue).toBe(1) // twice the half with the middle
    expect(testDiscordant(50, 50).pValue).toBe(1) // |b − c| − 1 is not below 0
  })

  it('takes chi-squared with continuity correction for many', () => {
    // scipy: chi2.sf((abs(10 - 30) - 1) ** 2 / 40, 1) = 0.002663119259…
    const { method, statistic, pValue } = testDiscordant(10, 30)
    expect([method, statistic]).toEqual(['chi-squared', 19 ** 2 / 40])
    expect(pValue).toBeCloseTo(0.0026631, 6)
    expect(testDiscordant(0, 25).method).toBe('chi-squared')
  })

  it('counts who has which examples right', () => {
    const counted = compareByMcNemar({
      actual: Int32Array.of(0, 1, 2, 0, 1),
      a: Int32Array.of(0, 1, 0, 1, 1),
      b: Int32Array.of(0, 2, 2, 2, 1),
    })
    expect(counted).toMatchObject({ both: 2, onlyA: 1, onlyB: 1, neither: 1, pValue: 1 })
  })
})
