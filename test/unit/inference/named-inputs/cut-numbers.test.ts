import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cutNumbers, findCut } from '../../../../src/inference/named-inputs/cut-numbers.ts'
import type { Work } from '../../../../src/inference/turns.ts'

const ALONE: Work = { isOver: () => false, next: async () => {} }
const FIELDS = { keys: new Set(['data']), depth: 2 }

/** The value of a text, with the arrays put back, and how many there were. */
async function restore(text: string, fields = FIELDS, work = ALONE) {
  const { json, arrays } = await cutNumbers(Buffer.from(text), fields, work)
  const value: unknown = JSON.parse(json, (_, part) => {
    const cut = findCut(part, arrays)
    return cut ? unflatten([...cut.numbers], cut.shape) : part
  })
  return { value, count: arrays.length, shapes: arrays.map(({ shape }) => shape) }
}

function unflatten(numbers: unknown[], [length = 0, ...rest]: readonly number[]): unknown[] {
  if (rest.length === 0) return numbers
  const width = numbers.length / length
  return Array.from({ length }, (_, index) =>
    unflatten(numbers.slice(index * width, (index + 1) * width), rest),
  )
}

const matrix = (number: fc.Arbitrary<number>) =>
  fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 })).chain(([rows, columns]) =>
    fc.array(fc.array(number, { minLength: columns, maxLength: columns }), {
      minLength: rows,
      maxLength: rows,
    }),
  )

describe('arrays of numbers', () => {
  it('are cut out of any text around them, to the same value as JSON.parse', async () => {
    const number = fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }))
    await fc.assert(
      fc.asyncProperty(
        fc.string(),
        matrix(number),
        fc.integer({ max: 2, min: 0 }),
        async (name, data, spaces) => {
          const request = { [name]: '"data":[1]', a: { name: `\\"${name}`, data, text: [name] } }
          const { value, count, shapes } = await restore(JSON.stringify(request, null, spaces))
          expect(value).toEqual(JSON.parse(JSON.stringify(request))) // −0 is 0 in JSON
          expect([count, shapes]).toEqual([1, [[data.length, data[0]?.length]]])
        },
      ),
    )
  })

  it('are cut at the depth and under the names that are asked for only', async () => {
    const text = '{"data":[1],"a":{"data":[2],"other":[3],"b":{"data":[4]}},"c":[{"data":[5]}]}'
    expect(await restore(text)).toEqual({ value: JSON.parse(text), count: 1, shapes: [[1]] })
  })

  it.each([
    '[1,[2]]',
    '[[1],2]',
    '[[1,2],[3]]',
    '[]',
    '[[]]',
    '[1,null]',
    '["1"]',
    '[true]',
    `${'['.repeat(9)}1${']'.repeat(9)}`,
  ])('%s stays in the text', async data => {
    const text = `{"a":{"data":${data}}}`
    expect(await restore(text)).toEqual({ value: JSON.parse(text), count: 0, shapes: [] })
  })

  it.each(['[01]', '[1.]', '[.5]', '[+1]', '[1e]', '[-]', '[1,]', '[1', '[NaN]', '[1]]', '[1 2]', '[0x1]'])(
    '%s stays wrong',
    async data => {
      await expect(restore(`{"a":{"data":${data}}}`)).rejects.toThrow(SyntaxError)
    },
  )

  it('are numbers as JSON.parse reads them, to the last bit', async () => {
    const texts = [
      '0',
      '-0.0',
      '1e400',
      '-1E-400',
      '0.1',
      '9007199254740993',
      '1.7976931348623157e308',
      '5e-324',
    ]
    const { arrays } = await cutNumbers(
      Buffer.from(`{"a":{"data":[ ${texts.join(' ,\n')}\t]}}`),
      FIELDS,
      ALONE,
    )
    expect([...(arrays[0]?.numbers ?? [])]).toEqual(texts.map(Number))
  })

  it('leave turns to others while they are read', async () => {
    let turns = 0
    const busy: Work = { isOver: () => true, next: async () => void turns++ }
    const data = Array.from({ length: 5_000 }, (_, index) => index)
    const { value } = await restore(JSON.stringify({ a: { data } }), FIELDS, busy)
    expect([value, turns]).toEqual([{ a: { data } }, 4])
  })
})
