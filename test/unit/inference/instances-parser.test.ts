import { describe, expect, it } from 'vitest'
import { createInstancesParser } from '../../../src/inference/instances-parser.ts'
import { createRandom } from '../../../src/mlp/random.ts'

const LIMITS = { depthMax: 3, countMax: 100 }

/** The rows as the parser reads them; null when it leaves the text to JSON.parse. */
function read(text: string, units: number, limits = LIMITS): number[][] | null {
  const parser = createInstancesParser(Buffer.from(text), units, limits)
  for (let state = parser?.next(); parser && state !== 'unknown'; state = parser.next()) {
    if (state !== 'end') continue
    const features = parser.features()
    return Array.from({ length: parser.count() }, (_, row) => [
      ...features.subarray(row * units, (row + 1) * units),
    ])
  }
  return null
}

/** What the numbers must be. */
const rounded = (text: string): number[][] =>
  JSON.parse(text).instances.map((row: number[]) => row.flat(9).map(Math.fround))

describe('numbers', () => {
  it('are the float32 that is nearest to what JSON.parse gives, however they are written', () => {
    const random = createRandom(7, 'numbers')
    const write = [
      (x: number) => String(x),
      (x: number) => x.toExponential(17),
      (x: number) => x.toFixed(20),
      (x: number) => String(Math.fround(x)),
      (x: number) => String(Math.round(x)),
      () => '0',
      () => '-0',
      () => '0.0',
      () => '255',
    ]
    const numbers = Array.from({ length: 5_000 }, (_, index) => {
      const size = 10 ** Math.floor(random.uniform() * 60 - 30)
      return write[index % write.length]?.((random.uniform() - 0.5) * size) ?? ''
    }).filter(text => Number.isFinite(Math.fround(Number(text))))
    const text = `{"instances":[[${numbers.join(',')}],[${[...numbers].reverse().join(' , ')}]]}`
    expect(read(text, numbers.length)).toEqual(rounded(text))
  })

  it.each(['01', '.5', '5.', '1e', '+1', '1e999', 'NaN', 'null', '"1"', '0x1', '--1', '1 2', ''])(
    '%s is left to whoever says what is wrong',
    number => {
      expect(read(`{"instances":[[${number},0]]}`, 2)).toBeNull()
      expect(read(`{"instances":[[0,${number}]]}`, 2)).toBeNull()
    },
  )
})

describe('the text around them', () => {
  it.each([
    '{"instances":[[0,1],[2,3]]}',
    ' \n{ "instances" :\t[ [ 0 , 1 ] , [ 2 , 3 ] ] }\r\n',
    '{"instances":[[[0],[1]],[[2,3]]]}',
    '{"instances":[[0,0],[0,0]]}',
  ])('%j is read', text => {
    expect(read(text, 2)).toEqual(rounded(text))
  })

  it.each([
    '',
    '{',
    '{"instances":[',
    '{"instances":[]}',
    '{"instances":[[0,1]',
    '{"instances":[[0,1]]',
    '{"instances":[[0,1]]}x',
    '{"instances":[[0,1]],"more":1}',
    '{"instances":[[0,1],]}',
    '{"instances":[[0,1][2,3]]}',
    '{"instances":[[0,1,0]]}',
    '{"instances":[[0]]}',
    '{"instances":[[0,]]}',
    '{"instances":[[0,,1]]}',
    '{"instances":[[[[[0,1]]]]]}',
    '{"instance":[[0,1]]}',
    '{"images":["AAAA"]}',
    '[[0,1]]',
  ])('%j is left to JSON.parse', text => {
    expect(read(text, 2)).toBeNull()
  })

  it('more rows than allowed are left too', () => {
    const rows = (count: number) => `{"instances":[${Array(count).fill('[0,0]').join()}]}`
    expect(read(rows(3), 2, { depthMax: 1, countMax: 3 })).toHaveLength(3)
    expect(read(rows(4), 2, { depthMax: 1, countMax: 3 })).toBeNull()
  })
})
