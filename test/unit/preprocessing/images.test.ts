import { describe, expect, it } from 'vitest'
import { augmentImages } from '../../../src/preprocessing/augmentation.ts'
import { arrangeImages, PLAIN_IMAGES } from '../../../src/preprocessing/images.ts'

/** A grey image from rows of digits, each times 10. */
const image = (...rows: string[]) => Uint8Array.from(rows.join(''), digit => Number(digit) * 10)

describe('images', () => {
  it('stay the same array where nothing is to be done', () => {
    const pixels = image('12', '34')
    expect(arrangeImages(pixels, [2, 2, 1], PLAIN_IMAGES)).toBe(pixels)
  })

  it('are inverted, bytes like numbers', () => {
    const invert = { ...PLAIN_IMAGES, invert: true }
    expect(Array.from(arrangeImages(Uint8Array.of(0, 255, 5), [1, 1, 3], invert))).toEqual([255, 0, 250])
    expect(Array.from(arrangeImages(Float32Array.of(0, 255, 5), [1, 1, 3], invert))).toEqual([255, 0, 250])
  })

  it('are moved until their mass is in the middle, and each by itself', () => {
    const corner = image('9900', '9900', '0000', '0000')
    const middle = image('0000', '0990', '0990', '0000')
    const both = Uint8Array.of(...corner, ...middle)
    const centered = arrangeImages(both, [4, 4, 1], { ...PLAIN_IMAGES, centerOfMass: true })
    expect(Array.from(centered)).toEqual([...middle, ...middle])
  })

  it('keep their colours together when they are moved, and empty ones stay', () => {
    const pixels = new Uint8Array(2 * 9 * 3)
    pixels.set([10, 20, 30], 0) // the upper left of the second image is left empty
    const centered = arrangeImages(pixels, [3, 3, 3], { ...PLAIN_IMAGES, centerOfMass: true })
    expect(Array.from(centered.subarray(4 * 3, 5 * 3))).toEqual([10, 20, 30])
    expect(centered.reduce((sum, pixel) => sum + pixel, 0)).toBe(60)
  })
})

describe('augmentation', () => {
  const shape = [4, 4, 1]
  const pixels = image('1200', '3400', '0000', '0009')
  const at = { seed: 1, epoch: 1, firstRow: 0 }

  it('is decided by seed, epoch and row, however images come together', () => {
    const many = Uint8Array.of(...pixels, ...pixels, ...pixels)
    const how = { shift: 0.3, rotate: 30, zoom: 0.2, noise: 0.1, flip: 'both' } as const
    const together = augmentImages(many, shape, how, at)
    expect(augmentImages(pixels, shape, how, { ...at, firstRow: 2 })).toEqual(together.subarray(32))
    expect(together.subarray(0, 16)).not.toEqual(together.subarray(16, 32))
    expect(augmentImages(many, shape, how, { ...at, epoch: 2 })).not.toEqual(together)
    expect(augmentImages(many, shape, how, { ...at, seed: 2 })).not.toEqual(together)
  })

  it('mirrors every other image, and nothing else', () => {
    const mirrored = image('0021', '0043', '0000', '9000')
    const seen = new Set<string>()
    for (let row = 0; row < 40; row++) {
      seen.add(augmentImages(pixels, shape, { flip: 'horizontal' }, { ...at, firstRow: row }).join())
    }
    expect(seen).toEqual(new Set([pixels.join(), mirrored.join()]))
  })

  it('keeps about the mass of what is turned about the middle', () => {
    const dot = new Uint8Array(81)
    dot.set([200, 200, 200], 39)
    const turned = augmentImages(dot, [9, 9, 1], { rotate: 180 }, at)
    expect(turned.reduce((sum, pixel) => sum + pixel, 0)).toBeGreaterThan(540)
    expect(turned).not.toEqual(dot)
  })

  it('adds noise within the range of bytes', () => {
    const noisy = augmentImages(new Uint8Array(4_096).fill(128), [64, 64, 1], { noise: 0.1 }, at)
    const mean = noisy.reduce((sum, pixel) => sum + pixel, 0) / noisy.length
    const deviation = Math.sqrt(noisy.reduce((sum, pixel) => sum + (pixel - mean) ** 2, 0) / noisy.length)
    expect(mean).toBeCloseTo(128, -0.5)
    expect(deviation).toBeGreaterThan(23)
    expect(deviation).toBeLessThan(28)
  })
})
