import { describe, expect, it } from 'vitest'
import { leftOut } from '../../../../src/models/exports/carried.ts'
import { describeExport } from '../../../../src/models/exports/describe.ts'
import { describeEncoding } from '../../../../src/models/exports/encoding.ts'
import { EXPORT_FORMATS } from '../../../../src/models/exports/format-names.ts'
import { createEncoder } from '../../../../src/preprocessing/encoder.ts'
import { ARRAY_CASES, CENTERED_CASES, createCase, createTableCase } from '../../../helpers/exported-models.ts'

const caseOf = (name: string) => {
  const parts = { ...ARRAY_CASES, ...CENTERED_CASES }[name]
  if (!parts) throw new Error(`there is no case ${name}`)
  return createCase(parts).model
}

/** The formats whose exports leave something out that a word tells. */
const formatsThatSay = (word: RegExp, { manifest }: ReturnType<typeof caseOf>) =>
  EXPORT_FORMATS.filter(format => leftOut(format, manifest).some(sentence => word.test(sentence)))

describe('what an export leaves to its user is said', () => {
  it.each([
    ['one sigmoid unit for two classes', /^One of the classes/, ['tfjs', 'keras', 'npz']],
    ['a regression in units of its own', /^The units of the targets/, ['tfjs', 'npz']],
    ['every feature by itself', /^The scaling/, ['tfjs', 'npz']],
    ['scale and offset', /^The scaling/, ['npz']],
    ['centered images', /center of mass/, ['tfjs', 'keras', 'npz']],
    ['inverted images in colour', /255 − x/, ['npz']],
    [
      'inverted images in colour',
      /^The size of pictures/,
      EXPORT_FORMATS.filter(format => format !== 'html'),
    ],
    ['numbers as they are', /^The size of pictures/, []],
  ])('%s: %s', (name, word, formats) => {
    expect(formatsThatSay(word, caseOf(name))).toEqual(formats)
  })

  it('of a table: its encoding, and the units of its targets', () => {
    const { model } = createTableCase('regression')
    expect(formatsThatSay(/encoding\.json/, model)).toEqual(['tfjs', 'tfjs-graph', 'keras', 'npz'])
    expect(formatsThatSay(/^The units of the targets/, model)).toEqual(['tfjs', 'npz'])
    expect(describeExport('onnx', model)).toContain('The export does all that the service does.')
    expect(describeExport('onnx', model)).toContain('`income, in €` (numeric)')
    expect(describeExport('keras', model)).toContain('Takes the encoded columns of a table.')
  })

  it('of calibrated probabilities: the temperature', () => {
    const model = caseOf('scale and offset')
    model.manifest.calibration = { method: 'temperature', temperature: 1.5 }
    expect(formatsThatSay(/1\.5/, model)).toEqual(EXPORT_FORMATS.filter(format => format !== 'html'))
  })
})

it('the encoding of a table tells each input of the network', () => {
  const { manifest } = createTableCase().model
  const { inputUnits } = createEncoder(
    manifest.preprocessing,
    manifest.input.columns ?? null,
    manifest.input.shape,
  )
  const columns = describeEncoding(manifest)?.columns ?? []
  expect(columns.flatMap(({ inputs }) => inputs)).toHaveLength(inputUnits)
  let from = 0
  for (const { firstInput, inputs } of columns) {
    expect(firstInput).toBe(from)
    from += inputs.length
  }
  const city = columns.find(({ name }) => name === 'city')
  expect(city?.inputs).toEqual(['is Bern', 'is Köln', 'is rare', 'is missing'])
  expect(describeEncoding(caseOf('scale and offset').manifest)).toBeNull()
})
