import { createRequire } from 'node:module'
import { Resvg } from '@resvg/resvg-js'
import { describe, expect, it } from 'vitest'
import { renderSvg } from '../../../src/drawing/render-svg.ts'
import { type CurvesInput, renderCurvesSvg } from '../../../src/metrics/curves-svg.ts'

type Metrics = CurvesInput['rows'][number]['metrics']

function render(metrics: readonly Metrics[], { title = 'digits', epochs = metrics.length } = {}): string {
  return renderCurvesSvg({
    title,
    epochs,
    rows: metrics.map((one, index) => ({ epoch: index + 1, metrics: one })),
  })
}

/** The first capture of each match, in document order. */
function captures(svg: string, pattern: RegExp): string[] {
  return [...svg.matchAll(pattern)].map(match => match[1] ?? '')
}

function texts(svg: string): string[] {
  return captures(svg, /<text [^>]*>([^<]*)<\/text>/g)
}

function lineOf(svg: string, role: 'train' | 'validation'): string | undefined {
  return captures(svg, new RegExp(`<path class="${role}" d="([^"]*)"`, 'g'))[0]
}

/** Halving losses, a validation loss that is lowest in the middle, and rising accuracies. */
function history(length: number, scale = 1): Metrics[] {
  return Array.from({ length }, (_, index) => ({
    loss: scale * 2 ** (-index / 3),
    accuracy: 1 - 0.9 ** (index + 1),
    valLoss: scale * (0.5 + Math.abs(index / length - 0.5)),
    valAccuracy: 0.95 - 0.9 ** (index + 1),
  }))
}

describe('renderCurvesSvg', () => {
  it('escapes the title wherever it appears', () => {
    const svg = render([{ loss: 1 }], { title: '<script>&"' })
    expect(svg).not.toContain('<script')
    expect(captures(svg, /<title>(.*)<\/title>/g)).toEqual(['&lt;script&gt;&amp;&quot;'])
    expect(texts(svg)[0]).toBe('&lt;script&gt;&amp;&quot;')
  })

  it('replaces characters that XML forbids, in titles and in metric names', () => {
    const svg = render([{ 'a\u0000<': 1 }], { title: 'bell\u0007 and half a pair \ud83d' })
    expect(svg).toContain('<title>bell\ufffd and half a pair \ufffd</title>')
    expect(texts(svg)).toContain('A\ufffd&lt;')
  })

  it('begins a new line with each fit', () => {
    const rows = [1, 1, 2, 2, null].map((fold, index) => ({
      epoch: index + 1,
      fold,
      metrics: { loss: 1 / (index + 1) },
    }))
    const svg = renderCurvesSvg({ title: 'folds', epochs: 5, rows })
    expect(lineOf(svg, 'train')?.match(/M/g)).toHaveLength(3)
    expect(captures(svg, /(<circle class="train")/g)).toHaveLength(5)
  })

  it('names itself to assistive technology as one image and tells the last values', () => {
    const svg = render([
      { loss: 2, valLoss: 3 },
      { loss: 0.5, valLoss: 4 },
    ])
    expect(svg).toMatch(/^<svg [^>]*role="img"/)
    expect(svg).toContain('<desc>Loss: train 0.5000, validation 4.000, best epoch 1</desc>')
  })

  it('places values on linear axes: half the range is half the way', () => {
    const svg = render([{ loss: 0 }, { loss: 1 }, { loss: 2 }])
    const points = captures(svg, /<circle class="train" (cx="[^"]*" cy="[^"]*")/g)
    // The plot area is 84..500 px wide and 264..60 px high: the middle is (292, 162).
    expect(points).toEqual(['cx="84" cy="264"', 'cx="292" cy="162"', 'cx="500" cy="60"'])
    expect(lineOf(svg, 'train')).toBe('M84,264L292,162L500,60')
  })

  it('keeps room for the epochs that are still to come', () => {
    const svg = render([{ loss: 0 }, { loss: 1 }], { epochs: 3 })
    expect(lineOf(svg, 'train')).toBe('M84,264L292,60')
  })

  it.each([
    [1, '1'],
    [3, '1 2 3'],
    [20, '1 2 4 6 8 10 12 14 16 18 20'],
    [300, '1 50 100 150 200 250 300'],
    [2530, '1 500 1000 1500 2000 2500'],
  ])('labels an axis of %d epochs %s', (epochs, labels) => {
    const svg = render([{ loss: 1 }], { epochs })
    expect(captures(svg, /text-anchor="middle">([^<]*)</g)).toEqual([...labels.split(' '), 'epoch'])
  })

  it('splits the line at a null and at a missing value', () => {
    const svg = render([
      { loss: 0 },
      { loss: 1 },
      { loss: null },
      { loss: 2 },
      { loss: 1 },
      {},
      { loss: 1 },
      { loss: 0 },
    ])
    expect(lineOf(svg, 'train')?.match(/M/g)).toHaveLength(3)
    expect(svg.match(/<circle class="train"/g)).toHaveLength(6)
  })

  it('treats values that are not finite as missing', () => {
    const svg = render([{ loss: 0 }, { loss: Number.POSITIVE_INFINITY }, { loss: Number.NaN }, { loss: 2 }])
    expect(svg.match(/<circle class="train"/g)).toHaveLength(2)
    expect(svg).not.toMatch(/NaN|Infinity/)
  })

  it('draws a single row as one dot', () => {
    const svg = render([{ loss: 0.25 }], { epochs: 10 })
    // One value gets a tenth of itself to both sides, 0.225..0.275, which is nice already to steps of 0.01: 0.22..0.28.
    expect(captures(svg, /<circle class="train" (cx="[^"]*" cy="[^"]*")/g)).toEqual(['cx="84" cy="162"'])
  })

  it('leaves the dots out of more than 50 rows', () => {
    expect(render(history(50)).match(/<circle class="train"/g)).toHaveLength(2 * 50)
    expect(render(history(51))).not.toContain('<circle class="train"')
  })

  it('pairs each metric with its validation, loss first, in at most four panels', () => {
    const metrics = {
      valueAtRisk: 1,
      valAccuracy: 1,
      accuracy: 1,
      mse: 1,
      loss: 1,
      meanAbsoluteError: 1,
      auc: 1,
    }
    const svg = render([metrics])
    const headings = captures(svg, /font-size="13" font-weight="bold">([^<]*)</g)
    expect(headings).toEqual(['Loss', 'Value at risk', 'Accuracy', 'MSE'])
    expect(texts(svg).filter(content => content.startsWith('validation'))).toEqual(['validation 1.000'])
  })

  it('wraps after two panels', () => {
    const size = (...names: string[]) => {
      const svg = render([Object.fromEntries(names.map(name => [name, 1]))])
      return captures(svg, /^<svg [^>]*viewBox="0 0 ([^"]*)"/g)[0]
    }
    // Width 520 per column and 2 × 12 margin; height 312 per row, 52 header and 12 margin.
    expect(size('loss')).toBe('544 376')
    expect(size('loss', 'accuracy')).toBe('1064 376')
    expect(size('loss', 'accuracy', 'mae')).toBe('1064 688')
    expect(size('loss', 'accuracy', 'mae', 'mse')).toBe('1064 688')
  })

  it('marks the first epoch of the lowest validation loss', () => {
    const svg = render([3, 1, null, 1, 2].map(valLoss => ({ loss: 1, valLoss, valAccuracy: 1 })))
    expect(texts(svg).filter(content => content.startsWith('best'))).toEqual(['best epoch 2'])
    expect(svg.match(/class="best"/g)).toHaveLength(2)
  })

  it('marks no epoch without a validation loss', () => {
    expect(render([{ loss: 1, accuracy: 1, valAccuracy: 1 }])).not.toContain('best')
  })

  it('prints the last value that exists', () => {
    const svg = render([{ loss: 12.34567 }, { loss: null }])
    expect(texts(svg)).toContain('train 12.35')
  })

  it.each([
    [1e-9, '1.000e-9'],
    [-1e9, '−1.000e+9'],
    [123456, '1.235e+5'],
    [0.1, '0.1000'],
    [0, '0.000'],
  ])('prints %d as %s', (loss, printed) => {
    expect(texts(render([{ loss }]))).toContain(`train ${printed}`)
  })

  it('writes the zero of an axis of tiny values without an exponent', () => {
    const ticks = captures(render([{ loss: 0 }, { loss: 1e-9 }]), /text-anchor="end">([^<]*)</g)
    expect(ticks).toEqual(['0', '2e-10', '4e-10', '6e-10', '8e-10', '1e-9'])
  })

  it('ends the axis of an accuracy at 1', () => {
    const svg = render([{ loss: 5, accuracy: 1 }])
    // 1 less a tenth is 0.9; the tenth above is cut off.
    expect(texts(svg).filter(content => content.startsWith('1.'))).toEqual(['1.00'])
    expect(texts(svg)).toContain('0.90')
  })

  it('draws an empty loss panel when there are no rows', () => {
    const svg = render([], { epochs: 5 })
    expect(texts(svg)).toContain('no values')
    expect(svg).not.toMatch(/class="(train|validation|best)"|NaN|Infinity/)
  })

  it.each<[string, Metrics[], number]>([
    ['one row', history(1), 10],
    ['one row of one epoch', history(1), 1],
    ['ten rows', history(10), 10],
    ['the first of twenty epochs', history(1), 20],
    ['a thousand rows', history(1000), 1000],
    ['ten thousand epochs', history(60), 10_000],
    ['very small losses', history(10, 1e-12), 10],
    ['very large losses', history(10, 1e30), 10],
    ['very large negative losses', history(10, -1e30), 10],
    ['nearly constant losses', [{ loss: -1e-10, valLoss: -1.0000001e-10 }], 1],
    ['the most two-digit epochs', history(1), 26],
    ['the most four-digit epochs', history(1), 2530],
    [
      'four panels of constants',
      [{ loss: 1000.0001, valLoss: 1000.0002, mae: 99_999.99, mse: -1e-20, auc: 1 }],
      1,
    ],
  ])('keeps all labels apart and inside the picture: %s', (_, metrics, epochs) => {
    const boxes = labelBoxes(render(metrics, { title: 'W'.repeat(100), epochs }))
    expect(boxes.length).toBeGreaterThan(8)
    expect(boxes.filter(box => box.left < 0 || box.right > box.width).map(box => box.content)).toEqual([])
    const clashes = boxes.flatMap((one, index) =>
      boxes
        .slice(index + 1)
        .flatMap(other => (overlaps(one, other) ? [`${one.content} | ${other.content}`] : [])),
    )
    expect(clashes).toEqual([])
  })
})

describe('renderSvg', () => {
  it('returns a PNG of twice the size of the SVG', async () => {
    const png = await renderSvg(render(history(3)))
    expect([...png.subarray(0, 8)]).toEqual([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
    // The IHDR chunk begins with the width and the height: 2 × 1064 and 2 × 376.
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([2128, 752])
  })

  it('draws the text with the bundled font', async () => {
    const svg = render([{ loss: 1 }])
    const withoutText = svg.replace(/<text .*?<\/text>/g, '')
    expect(await renderSvg(svg)).not.toEqual(await renderSvg(withoutText))
  })

  it('rejects what is not an SVG document', async () => {
    await expect(renderSvg('<svg')).rejects.toThrow()
  })
})

type Box = { content: string; width: number; left: number; right: number; top: number; bottom: number }

/** Measures every label with the renderer itself, one at a time, in the document stripped of all else. */
function labelBoxes(svg: string): Box[] {
  const fontFolder = createRequire(import.meta.url)
    .resolve('dejavu-fonts-ttf/ttf/DejaVuSans.ttf')
    .replace(/[^/\\]*$/, '')
  const bare = svg.replace(/<(path|circle|rect) [^>]*>/g, '')
  const labels = bare.match(/<text .*?<\/text>/g) ?? []
  return labels.map((label, position) => {
    let index = 0
    const alone = bare.replace(/<text .*?<\/text>/g, one => (index++ === position ? one : ''))
    const document = new Resvg(alone, {
      font: {
        loadSystemFonts: false,
        fontFiles: [`${fontFolder}DejaVuSans.ttf`, `${fontFolder}DejaVuSans-Bold.ttf`],
      },
    })
    const box = document.getBBox()
    if (box === undefined) throw new Error(`the renderer draws nothing for ${label}`)
    const { x, y, width, height } = box
    const content = label.replace(/<[^>]*>/g, '')
    return { content, width: document.width, left: x, right: x + width, top: y, bottom: y + height }
  })
}

/** Labels on one line are apart when at least 3 px are between them. */
function overlaps(one: Box, other: Box): boolean {
  const isBeside = one.right + 3 <= other.left || other.right + 3 <= one.left
  return !isBeside && one.bottom > other.top && other.bottom > one.top
}
