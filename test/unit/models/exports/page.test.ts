import { Script } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { writePage } from '../../../../src/models/html/write-page.ts'
import {
  ARRAY_CASES,
  CENTERED_CASES,
  COLUMNS,
  createCase,
  createTableCase,
  type ExportCase,
  expectSameAnswers,
  textsOf,
} from '../../../helpers/exported-models.ts'

type Cell = number | string | null

/** The parts of the page's script that touch no document. */
interface PageScript {
  readWeights(base64: string, variables: object[]): Map<string, Float32Array>
  encode(model: object, features: ArrayLike<Cell>): Float64Array
  runNetwork(model: object, weights: Map<string, Float32Array>, inputs: Float64Array): Float64Array
  applyTemperature(probabilities: Float64Array, temperature: number): Float64Array
}

const load = (file: string): Promise<Partial<PageScript>> =>
  import(new URL(`../../../../src/models/html/page/${file}`, import.meta.url).href)
const script = { ...(await load('network.js')), ...(await load('encode.js')) } as PageScript

/** Runs the model that stands in the page, one example after the other, as the page does. */
async function run({ model, features, count }: ExportCase, rows: Cell[][] | null): Promise<number[]> {
  const page = await writePage(model)
  const [, text = ''] = /id="model">([^<]*)</.exec(page) ?? []
  const data = JSON.parse(text)
  const weights = script.readWeights(data.weights, data.variables)
  const size = features.length / count
  return Array.from({ length: count }, (_, row) => {
    const own = rows?.[row] ?? Array.from(features.subarray(row * size, (row + 1) * size))
    return [...script.runNetwork(data, weights, script.encode(data, own))]
  }).flat()
}

/** The rows of a table as its form gives them. */
function rowsOf(made: ExportCase): Cell[][] {
  const columns = COLUMNS.flatMap(({ type }, place): Cell[][] => {
    if (type === 'id') return []
    if (type === 'categorical') return [textsOf(made, place).map(text => (text === '' ? null : text))]
    const cells = Array.from(made.features).filter((_, index) => index % COLUMNS.length === place)
    return [cells.map(cell => (Number.isNaN(cell) ? null : cell))]
  })
  return Array.from({ length: made.count }, (_, row) => columns.map(column => column[row] ?? null))
}

describe('the script of an exported page answers as the service does', () => {
  it.each(Object.entries({ ...ARRAY_CASES, ...CENTERED_CASES }))('%s', async (_, parts) => {
    const made = createCase(parts)
    expectSameAnswers(made, await run(made, null))
  })

  it.each(['classification', 'regression'] as const)(
    'a table (%s), from the fields of its form',
    async kind => {
      const made = createTableCase(kind)
      expectSameAnswers(made, await run(made, rowsOf(made)))
    },
  )

  it('with a temperature', () => {
    const calibrated = script.applyTemperature(Float64Array.of(0.2, 0.8), 2)
    expect(calibrated[1]).toBeCloseTo(Math.sqrt(0.8) / (Math.sqrt(0.8) + Math.sqrt(0.2)), 12)
  })
})

describe('an exported page', () => {
  it('names nothing outside itself', async () => {
    const page = await writePage(createCase({ layers: [{ type: 'dense', units: 3 }] }).model)
    expect(page).not.toMatch(/\b(src|href)=|https?:|import\s|url\(|fetch\(/)
    expect(page).toContain("default-src 'none'")
    expect(page.match(/<script/g)).toHaveLength(2)
    expect(page).toContain('<title>stripes, version 3</title>')
  })

  it('has one script of all its modules, in which no name stands twice', async () => {
    const page = await writePage(createCase({ layers: [{ type: 'dense', units: 3 }] }).model)
    const [, text = ''] = /<script type="module">([\s\S]*)<\/script>/.exec(page) ?? []
    expect(text).toContain('function createDrawing')
    expect(() => new Script(text)).not.toThrow()
  })

  it('takes names of models and classes as texts, never as markup', async () => {
    const { model } = createCase({ layers: [{ type: 'dense', units: 3 }] })
    const evil = '</script><script>alert(1)</script>'
    model.manifest.classes = [evil, 'b', 'c']
    const page = await writePage({ ...model, name: evil })
    expect(page.match(/<script/g)).toHaveLength(2)
    expect(page.match(/<\/script>/g)).toHaveLength(2)
  })
})
