// What is done to the data before the first layer, with the figures of the training examples.

/**
 * Inputs of the network from features in the data's own units.
 * @param {(number | string | null)[]} features - cells of a table; null: missing
 * @returns {Float64Array}
 */
export function encode({ shape, preprocessing, columns }, features) {
  if (columns)
    return Float64Array.from(columns.flatMap((column, place) => encodeCell(column, features[place])))
  const { image, scale, offset = 0, centers, spreads } = preprocessing
  let x = Float64Array.from(features)
  if (image?.invert) x = x.map(pixel => 255 - pixel)
  if (image?.centerOfMass) x = centerOfMass(x, shape)
  return centers
    ? x.map((value, i) => (value - centers[i]) / spreads[i])
    : x.map(value => value * scale + offset)
}

/** Moves an image by whole pixels until its center of mass is nearest to the middle. */
function centerOfMass(pixels, [height, width, channels]) {
  let mass = 0
  let sumX = 0
  let sumY = 0
  pixels.forEach((pixel, index) => {
    mass += pixel
    sumX += pixel * (Math.floor(index / channels) % width)
    sumY += pixel * Math.floor(index / (width * channels))
  })
  if (mass === 0) return pixels
  const dx = Math.round((width - 1) / 2 - sumX / mass)
  const dy = Math.round((height - 1) / 2 - sumY / mass)
  return pixels.map((_, index) => {
    const x = (Math.floor(index / channels) % width) - dx
    const y = Math.floor(index / (width * channels)) - dy
    if (x < 0 || y < 0 || x >= width || y >= height) return 0
    return pixels[(y * width + x) * channels + (index % channels)]
  })
}

/** The inputs that a cell becomes, by the type of its column. */
function encodeCell({ type, fitted }, cell) {
  if (type === 'categorical') return encodeCategory(fitted, cell)
  const isMissing = cell === null || Number.isNaN(cell)
  const value = isMissing ? fitted.fill : cell
  const indicator = fitted.indicator ? [Number(isMissing)] : []
  if (type === 'boolean') return [value, ...indicator]
  if (type === 'datetime') return [...encodeTime(fitted, value), ...indicator]
  const { clip, log1p, center, spread } = fitted
  const cut = clip ? Math.min(clip[1], Math.max(clip[0], value)) : value
  const shaped = log1p ? Math.sign(cut) * Math.log1p(Math.abs(cut)) : cut
  return [(shaped - center) / spread, ...indicator]
}

function encodeCategory({ encode, categories, rare, fill, indicator }, cell) {
  const isMissing = cell === null
  if (encode === 'ordinal') {
    const place = categories.indexOf(cell)
    const known = place === -1 ? categories.indexOf(fill) : place
    return [known / Math.max(1, categories.length - 1), ...(indicator ? [Number(place === -1)] : [])]
  }
  const place = categories.indexOf(isMissing && fill !== null ? fill : cell)
  const isOther = place === -1 && !(isMissing && fill === null)
  return [
    ...categories.map((_, index) => Number(index === place)),
    ...(rare ? [Number(isOther)] : []),
    ...(fill === null ? [Number(isMissing)] : []),
  ]
}

/** How far a part of a time has come round, 0 … 1, in UTC. */
const PHASES = {
  month: time => time.getUTCMonth() / 12,
  dayOfMonth: time => (time.getUTCDate() - 1) / 31,
  dayOfWeek: time => time.getUTCDay() / 7,
  hour: time => (time.getUTCHours() + time.getUTCMinutes() / 60) / 24,
  minute: time => time.getUTCMinutes() / 60,
}

function encodeTime({ parts, elapsed, center, spread }, milliseconds) {
  const angles = parts.map(part => 2 * Math.PI * PHASES[part](new Date(milliseconds)))
  return [
    ...angles.flatMap(angle => [Math.sin(angle), Math.cos(angle)]),
    ...(elapsed ? [(milliseconds - center) / spread] : []),
  ]
}
