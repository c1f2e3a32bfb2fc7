import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readPlainNumber } from '../../../src/datasets/formats/csv/read-plain-number.ts'
import { parseNumber } from '../../../src/datasets/tables/parse-number.ts'

const parse = (text: string) => parseNumber(Buffer.from(text), 0, Buffer.byteLength(text))

/** As it stands before a comma; NaN where it is left to the slow way. */
function parsePlain(text: string): number {
  const cells = new Float64Array(1)
  const end = readPlainNumber(Buffer.from(`${text},`), 0, cells, 0)
  return end === text.length ? (cells[0] ?? 0) : Number.NaN
}

const digits = (max: number) =>
  fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: max }).map(list => list.join(''))

/** Sign, digits and point, in any combination. */
const decimals = fc
  .tuple(fc.constantFrom('', '-'), digits(20), fc.constantFrom('', '.'), digits(20))
  .map(([sign, whole, point, fraction]) => (point ? `${sign}${whole}.${fraction}` : `${sign}${whole}`))
  .filter(text => /\d/.test(text))

describe('a number', () => {
  it('is the float64 that is nearest to its text, whatever its length', () => {
    fc.assert(
      fc.property(
        decimals,
        fc.option(fc.integer({ min: -340, max: 320 }), { nil: undefined }),
        (text, power) => {
          const written = power === undefined ? text : `${text}e${power}`
          expect(parse(written)).toBe(Number(written))
          const plain = power === undefined ? parsePlain(text) : Number.NaN
          if (!Number.isNaN(plain)) expect(plain).toBe(Number(text))
        },
      ),
      { numRuns: 5_000 },
    )
  })

  it('comes back from its shortest text', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), number => {
        expect(Object.is(parse(String(number)), number)).toBe(!Object.is(number, -0))
      }),
      { numRuns: 5_000 },
    )
  })

  it.each([
    '0',
    '-7',
    '12.5',
    '0.1',
    '-0.001',
    '123456789012345',
    '0.8690932154655457',
    '123456789.987654321',
  ])('like %s is read the quick way', text => {
    expect(parsePlain(text)).toBe(Number(text))
  })

  it('in the middle between two others is rounded to the even one, and as the text says beside it', () => {
    for (const text of [
      '9007199254740993',
      '9007199254740993.0',
      '0.50000000000000005551',
      '1.00000000000000011102',
    ]) {
      expect(parse(text)).toBe(Number(text))
    }
    fc.assert(
      fc.property(
        fc.bigInt(2n ** 52n, 2n ** 53n - 1n),
        fc.integer({ min: -1, max: 1 }),
        (mantissa, beside) => {
          // (2 · mantissa + 1) / 2 lies in the middle; in tenths it has a digit after the point.
          const text = `${10n * mantissa + 5n + BigInt(beside)}`.replace(/.$/, '.$&')
          expect(parse(text)).toBe(Number(text))
        },
      ),
      { numRuns: 2_000 },
    )
  })
})
