// node scripts/make-photos.mjs <folder> [photos of each class] [seed]: pictures to try an upload of images with, as a camera
// would leave them: JPEGs of many sizes and colours, upright or turned by EXIF, in a folder for each class.
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import sharp from 'sharp'

const SHAPES = {
  circle: (x, y, r) => `<circle cx="${x}" cy="${y}" r="${r}"/>`,
  square: (x, y, r) => `<rect x="${x - r}" y="${y - r}" width="${2 * r}" height="${2 * r}"/>`,
  triangle: (x, y, r) => `<path d="M${x} ${y - r}L${x + r} ${y + r}L${x - r} ${y + r}Z"/>`,
}
const SIZES = [
  [640, 480],
  [800, 600],
  [480, 480],
]
const [folder = 'photos', count = '200', seed = '1'] = process.argv.slice(2)

/** Numbers from 0 to 1, the same in each run. @see mulberry32 (Tommy Ettinger, public domain) */
function createRandom(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const random = createRandom(Number(seed))
const between = (low, high) => low + random() * (high - low)

for (const [name, draw] of Object.entries(SHAPES)) {
  mkdirSync(path.join(folder, name), { recursive: true })
  for (let index = 0; index < Number(count); index++) {
    const [width, height] = SIZES[index % SIZES.length]
    const radius = height * between(0.22, 0.36)
    const shape = draw(width * between(0.44, 0.56), height * between(0.44, 0.56), radius)
    const hue = Math.round(between(0, 360))
    const picture = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
      <rect width="100%" height="100%" fill="hsl(${hue},40%,${Math.round(between(10, 30))}%)"/>
      <g fill="hsl(${(hue + 120) % 360},70%,${Math.round(between(60, 80))}%)">${shape}</g></svg>`
    // A camera held on its side stores the picture turned, and says so.
    const isTurned = index % 5 === 4
    const upright = sharp(Buffer.from(picture))
    const stored = isTurned ? upright.rotate(-90).withMetadata({ orientation: 6 }) : upright
    await stored
      .jpeg({ quality: 85 })
      .toFile(path.join(folder, name, `IMG_${String(index).padStart(4, '0')}.jpg`))
  }
}
console.log(`${count} photos of each: ${Object.keys(SHAPES).join(', ')}, in ${folder}`)
