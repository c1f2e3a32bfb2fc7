import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { writePage } from '../../../../src/models/html/write-page.ts'
import { CHROMIUM, dumpPage } from '../../../helpers/chromium.ts'
import { createCase, createTableCase, type ExportCase } from '../../../helpers/exported-models.ts'
import { createTestFolder } from '../../../helpers/folder.ts'

/** Draws a stroke as a hand would, and writes down what the model got and what the page says. */
const DRAW = `
const canvas = document.querySelector('#canvas')
const point = (type, x, y, buttons) => {
  const box = canvas.getBoundingClientRect()
  const at = { clientX: box.left + x * box.width, clientY: box.top + y * box.height }
  canvas.dispatchEvent(new PointerEvent(type, { ...at, buttons, pointerId: 1, bubbles: true, cancelable: true }))
}
point('pointerdown', 0.6, 0.2, 1)
for (let step = 0; step <= 20; step++) point('pointermove', 0.6 - step / 100, 0.2 + step / 40, 1)
point('pointerup', 0.4, 0.7, 0)
const seen = document.querySelector('#seen')
const { data } = seen.getContext('2d').getImageData(0, 0, seen.width, seen.height)
tell(Array.from(data.filter((_, index) => index % 4 === 0)))
`

/** Fills the fields in, and leaves every other one as it is. */
const FILL = `
const fields = [...document.querySelectorAll('#form input, #form select')]
fields.forEach((field, index) => {
  if (field.type === 'number') field.value = String(100 * (index + 1))
  if (field.type === 'datetime-local') field.value = '2024-02-29T13:45'
  if (field.tagName === 'SELECT') field.selectedIndex = index % field.options.length
})
document.querySelector('#form').dispatchEvent(new Event('input'))
tell([])
`

const TELL = `
function tell(pixels) {
  const rows = [...document.querySelectorAll('#list li')].map(row => [
    row.querySelector('.label').textContent,
    row.querySelector('.number').textContent,
  ])
  const told = { pixels, rows, answer: document.querySelector('#answer').textContent }
  document.body.innerHTML = '<p id="told"></p>'
  document.querySelector('#told').textContent = JSON.stringify(told)
}
`

interface Told {
  pixels: number[]
  rows: [label: string, text: string][]
  answer: string
}

async function open({ model }: ExportCase, script: string): Promise<Told> {
  const folder = await createTestFolder()
  const file = path.join(folder, 'page.html')
  const page = await writePage(model)
  await writeFile(
    file,
    page.replace('</body>', () => `<script type="module">${TELL}${script}</script></body>`),
  )
  const [, text = ''] = /<p id="told">([^<]*)</.exec(await dumpPage(pathToFileURL(file).href, folder)) ?? []
  return JSON.parse(text)
}

describe.skipIf(!CHROMIUM)('an exported page in a browser (needs Chromium)', () => {
  it.each([
    ['as it is', {}],
    ['inverted and centered', { image: { fit: 'fill' as const, invert: true, centerOfMass: true } }],
  ])('answers a drawing as the service does, images %s', async (_, more) => {
    const made = createCase({
      shape: [28, 28, 1],
      layers: [{ type: 'dense', units: 4, activation: 'softmax' }],
      preprocessing: { scale: 1 / 255, ...more },
    })
    const { pixels, rows, answer } = await open(made, DRAW)
    expect(new Set(pixels).size, 'something was drawn').toBeGreaterThan(2)
    expect(Math.max(...pixels), 'from black to white').toBe(255)
    const ours = [...made.predictor.predict(Float32Array.from(pixels), 1)]
      .map((probability, index) => [`class ${index}`, probability] as const)
      .sort(([, a], [, b]) => b - a)
    expect(rows.map(([label]) => label)).toEqual(ours.map(([label]) => label))
    for (const [index, [, probability]] of ours.entries()) {
      expect(Math.abs(Number.parseFloat(rows[index]?.[1] ?? '') - 100 * probability)).toBeLessThan(0.06)
    }
    expect(answer).toBe(`${rows[0]?.[0]} (${rows[0]?.[1]})`)
  })

  it('answers what is filled in', async () => {
    const made = createTableCase()
    const { rows, answer } = await open(made, FILL)
    // Of each list the option with its place, counted with those before it: (missing), Rom, a, M.
    const lists = { garden: Number.NaN, city: 3, district: 0, size: 1 }
    const soldAt = Date.UTC(2024, 1, 29, 13, 45)
    const cells = [100, 200, 300, ...Object.values(lists), soldAt, 0]
    const own = made.predictor.predict(Float64Array.from(cells), 1)
    for (const [label, text] of rows) {
      const probability = own[Number(label.slice('class '.length))] ?? 0
      expect(Math.abs(Number.parseFloat(text) - 100 * probability)).toBeLessThan(0.06)
    }
    expect(rows).toHaveLength(3)
    expect(answer).toBe(`${rows[0]?.[0]} (${rows[0]?.[1]})`)
  })
})
