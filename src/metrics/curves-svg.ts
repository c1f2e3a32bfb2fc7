import { type ScaleLinear, scaleLinear } from 'd3-scale'
import { line } from 'd3-shape'
import { escapeXml, shorten } from '../drawing/svg-text.ts'

/** What the curves are drawn from. */
export type CurvesInput = {
  /** Heading of the figure, any text; it is escaped, and cut with an ellipsis where it would leave the figure. */
  title: string
  /** Planned number of epochs: the x axis runs from 1 to it (or to the last row, if that is later). */
  epochs: number
  /**
   * The epoch history, oldest first, epochs 1-based. The validation value of metric `x` is named `valX`;
   * a value that is null, absent or not finite breaks its line, and so does the beginning of another fit.
   */
  rows: readonly {
    epoch: number
    /** The fold that the epoch was validated on; missing or null where there is none. */
    fold?: number | null
    metrics: Readonly<Record<string, number | null>>
  }[]
}

type Scale = ScaleLinear<number, number>
type Point = { epoch: number; value: number }
type Role = 'train' | 'validation'
/** One line: its points in row order, NaN where it is broken, and its last value. */
type Series = { role: Role; points: readonly Point[]; last: number }
type Panel = { metric: string; series: readonly Series[]; best: Point | undefined }

const PANELS_MAX = 4
const DOTTED_ROWS_MAX = 50
const MARGIN = 12
const HEADER_HEIGHT = 52
const PANEL_WIDTH = 520
const PANEL_HEIGHT = 312
/** Plot area inside a panel; the left margin holds the longest tick label, such as `−1.00005e-10`. */
const PLOT = { left: 84, right: 500, top: 60, bottom: 264 }
/** Left edges of the legend's entries in px from the plot's: wide enough for `validation −1.234e-10`. */
const LEGEND_SLOTS = [0, 124, 280]
/** Okabe and Ito's blue and vermillion: told apart with every common colour-vision deficiency. */
const COLORS: Record<Role, string> = { train: '#0072b2', validation: '#d55e00' }
const INK = { strong: '#1f2933', normal: '#52606d', axis: '#9aa5b1', grid: '#e4e7eb' }

/**
 * Draws the training curves as a self-contained SVG document: a panel for `loss` and for up to three further
 * metrics, at most two beside each other, each with a train and, where there is one, a validation line. The
 * loss panel marks the epoch of the lowest `valLoss`, the first one where several are equal.
 *
 * Labels have places of their own outside the plot areas, so that none can cover another or a line.
 */
export function renderCurvesSvg({ title, epochs, rows }: CurvesInput): string {
  const panels = metricNames(rows).map(metric => readPanel(metric, rows))
  const columns = Math.min(2, panels.length)
  const width = columns * PANEL_WIDTH + 2 * MARGIN
  const height = HEADER_HEIGHT + Math.ceil(panels.length / columns) * PANEL_HEIGHT + MARGIN
  const x = scaleLinear([1, Math.max(1, epochs, rows.at(-1)?.epoch ?? 1)], [PLOT.left, PLOT.right])
  const drawn = panels.map((panel, index) => {
    const left = MARGIN + (index % columns) * PANEL_WIDTH
    const top = HEADER_HEIGHT + Math.floor(index / columns) * PANEL_HEIGHT
    return `<g class="panel" transform="translate(${left} ${top})">\n${drawPanel(panel, x)}\n</g>`
  })
  const heading = shorten(title, width - 2 * MARGIN - 40, 17)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" role="img" width="${width}" height="${height}"`,
    ` viewBox="0 0 ${width} ${height}" font-family="'DejaVu Sans', sans-serif" font-size="11">\n`,
    `<title>${escapeXml(title)}</title>\n<desc>${escapeXml(panels.map(describe).join('; '))}</desc>\n`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>\n`,
    `${text(MARGIN + 20, 36, heading, { fill: INK.strong, 'font-size': 17, 'font-weight': 'bold' })}\n`,
    `${drawn.join('\n')}\n</svg>\n`,
  ].join('')
}

function metricNames(rows: CurvesInput['rows']): string[] {
  const names = new Set(['loss'])
  for (const { metrics } of rows) {
    for (const key of Object.keys(metrics)) {
      names.add(key.replace(/^val([A-Z])/, (_, initial: string) => initial.toLowerCase()))
    }
  }
  return [...names].slice(0, PANELS_MAX)
}

function readPanel(metric: string, rows: CurvesInput['rows']): Panel {
  const validationKey = `val${capitalise(metric)}`
  const train = readSeries('train', metric, rows)
  const validation = readSeries('validation', validationKey, rows)
  const best = metric === 'loss' ? lowest(validation?.points ?? []) : undefined
  return { metric, series: [train, validation].filter(series => series !== undefined), best }
}

function readSeries(role: Role, key: string, rows: CurvesInput['rows']): Series | undefined {
  const points = rows.flatMap(({ epoch, fold = null, metrics }, index) => {
    const value = metrics[key] ?? Number.NaN
    const point = { epoch, value: Number.isFinite(value) ? value : Number.NaN }
    const isSameFit = index === 0 || (rows[index - 1]?.fold ?? null) === fold
    return isSameFit ? [point] : [{ epoch, value: Number.NaN }, point]
  })
  const last = points.findLast(isPresent)
  return last && { role, points, last: last.value }
}

/** The first of the points with the smallest value. */
function lowest(points: readonly Point[]): Point | undefined {
  const value = Math.min(...points.filter(isPresent).map(point => point.value))
  return points.find(point => point.value === value)
}

function isPresent(point: Point): boolean {
  return !Number.isNaN(point.value)
}

function drawPanel({ metric, series, best }: Panel, x: Scale): string {
  const y = scaleLinear(valueDomain(series), [PLOT.bottom, PLOT.top]).nice(5)
  const heading = shorten(metricTitle(metric), PLOT.right - PLOT.left, 13)
  return [
    text(PLOT.left, 18, heading, { fill: INK.strong, 'font-size': 13, 'font-weight': 'bold' }),
    ...series.map((one, index) => drawLegendEntry(one, PLOT.left + (LEGEND_SLOTS[index] ?? 0))),
    drawYAxis(y),
    drawXAxis(x),
    best ? drawGuide(best, x) : '',
    ...series.map(one => drawSeries(one, x, y)),
    best ? drawBest(best, x, y) : '',
    series.length === 0
      ? text((PLOT.left + PLOT.right) / 2, 166, 'no values', { 'text-anchor': 'middle' })
      : '',
  ]
    .filter(part => part !== '')
    .join('\n')
}

/**
 * The value range to draw. It is never narrower than 1/10,000 of the values, which bounds the digits of the
 * tick labels, and does not pass 1 when values in [0, 1] do not, so that no accuracy axis ends above 1.
 */
function valueDomain(series: readonly Series[]): [number, number] {
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  for (const { value } of series.flatMap(one => one.points.filter(isPresent))) {
    low = Math.min(low, value)
    high = Math.max(high, value)
  }
  if (low > high || (low === 0 && high === 0)) return [0, 1]
  const magnitude = Math.max(Math.abs(low), Math.abs(high))
  const ceiling = low >= 0 && high <= 1 ? 1 : Number.POSITIVE_INFINITY
  const padding = low === high ? magnitude / 10 : Math.max(0, magnitude / 1e4 - (high - low)) / 2
  return [low - padding, Math.min(ceiling, high + padding)]
}

function drawYAxis(y: Scale): string {
  const magnitude = Math.max(...y.domain().map(Math.abs))
  const isPlain = magnitude >= 1e-3 && magnitude < 1e5
  const format = y.tickFormat(5, isPlain ? undefined : 'e')
  return y
    .ticks(5)
    .map(tick => {
      const at = round(y(tick))
      const content = tick === 0 && !isPlain ? '0' : format(tick)
      const label = text(PLOT.left - 8, at + 4, content, { 'text-anchor': 'end' })
      return `<path d="M${PLOT.left},${at}H${PLOT.right}" stroke="${INK.grid}"/>${label}`
    })
    .join('\n')
}

function drawXAxis(x: Scale): string {
  const ticks = epochTicks(x).map(tick => {
    const at = round(x(tick))
    const label = text(at, PLOT.bottom + 18, String(tick), { 'text-anchor': 'middle' })
    return `<path d="M${at},${PLOT.bottom}v4" stroke="${INK.axis}"/>${label}`
  })
  const middle = (PLOT.left + PLOT.right) / 2
  const axis = `<path d="M${PLOT.left},${PLOT.bottom}H${PLOT.right}" stroke="${INK.axis}"/>`
  return [axis, ...ticks, text(middle, PLOT.bottom + 36, 'epoch', { 'text-anchor': 'middle' })].join('\n')
}

/** Round epochs after 1, where the axis begins; fewer where their labels are wide, so that 9 px part any two. */
function epochTicks(x: Scale): number[] {
  const [, last = 1] = x.domain()
  return [1, ...x.ticks(last < 1000 ? 8 : 5).filter(tick => tick > 1 && Number.isInteger(tick))]
}

function drawSeries({ role, points }: Series, x: Scale, y: Scale): string {
  const path = line<Point>(
    point => x(point.epoch),
    point => y(point.value),
  )
    .defined(isPresent)
    .digits(2)
  const stroke = `stroke="${COLORS[role]}" stroke-width="1.75"`
  const present = points.filter(isPresent)
  const dots = present.length > DOTTED_ROWS_MAX ? [] : present
  const fill = role === 'train' ? COLORS.train : '#ffffff'
  return [
    `<path class="${role}" d="${path(points) ?? ''}" fill="none" ${stroke} stroke-linecap="round" stroke-linejoin="round"/>`,
    ...dots.map(
      ({ epoch, value }) =>
        `<circle class="${role}" cx="${round(x(epoch))}" cy="${round(y(value))}" r="2.75" fill="${fill}" ${stroke}/>`,
    ),
  ].join('\n')
}

/** A line through the best epoch, drawn beneath the curves. */
function drawGuide({ epoch }: Point, x: Scale): string {
  const down = `M${round(x(epoch))},${PLOT.top}V${PLOT.bottom}`
  return `<path class="best" d="${down}" stroke="${INK.axis}" stroke-dasharray="2 3"/>`
}

function drawBest({ epoch, value }: Point, x: Scale, y: Scale): string {
  const legendLeft = PLOT.left + (LEGEND_SLOTS[2] ?? 0)
  return [
    `<circle class="best" cx="${round(x(epoch))}" cy="${round(y(value))}" r="6" fill="none" stroke="${INK.normal}"/>`,
    `<circle cx="${legendLeft + 5}" cy="36" r="4.5" fill="none" stroke="${INK.normal}"/>`,
    text(legendLeft + 15, 40, `best epoch ${epoch}`),
  ].join('\n')
}

function drawLegendEntry({ role, last }: Series, left: number): string {
  const swatch = `<path d="M${left},36h16" stroke="${COLORS[role]}" stroke-width="3"/>`
  return swatch + text(left + 22, 40, `${role} ${formatValue(last)}`)
}

function describe({ metric, series, best }: Panel): string {
  const values = series.map(({ role, last }) => `${role} ${formatValue(last)}`).join(', ')
  return `${metricTitle(metric)}: ${values || 'no values'}${best ? `, best epoch ${best.epoch}` : ''}`
}

/** Four significant digits, in at most ten characters. */
function formatValue(value: number): string {
  const magnitude = Math.abs(value)
  const isPlain = value === 0 || (magnitude >= 1e-3 && magnitude < 1e4)
  return (isPlain ? value.toPrecision(4) : value.toExponential(3)).replace(/^-/, '−')
}

function metricTitle(metric: string): string {
  if (/^(auc|f1|mae|mse|rmse)$/.test(metric)) return metric.toUpperCase()
  return capitalise(
    metric.replace(/([a-z])([A-Z])/g, (_, end: string, start: string) => `${end} ${start.toLowerCase()}`),
  )
}

function capitalise(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}

function text(
  x: number,
  y: number,
  content: string,
  attributes: Record<string, string | number> = {},
): string {
  const all = Object.entries({ x, y, fill: INK.normal, ...attributes })
  return `<text ${all.map(([name, value]) => `${name}="${value}"`).join(' ')}>${escapeXml(content)}</text>`
}

function round(coordinate: number): number {
  return Math.round(coordinate * 100) / 100
}
