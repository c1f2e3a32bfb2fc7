import { crc32, deflateSync } from 'node:zlib'
import fc from 'fast-check'
import { encode } from 'fast-png'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { decodePlainPng } from '../../../src/images/decode-png.ts'

/** What libvips makes of it, by the pipeline of decode-image.ts; null when it refuses. */
async function decodeBySharp(content: Buffer, [height = 0, width = 0, channels = 0]: readonly number[]) {
  const upright = sharp(content, { failOn: 'warning', pages: 1, animated: false }).autoOrient()
  const opaque = channels === 4 ? upright.ensureAlpha() : upright.flatten({ background: '#000' })
  return opaque
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .resize(width, height, { fit: 'fill' })
    .raw({ depth: 'uchar' })
    .toBuffer()
    .then(
      data => Uint8Array.from(data),
      () => null,
    )
}

/** A PNG put together by hand. @see PNG specification (third edition), section 5 */
function png(
  header: { width: number; height: number; depth?: number; colourType: number },
  chunks: [string, Buffer][],
) {
  const ihdr = Buffer.alloc(13)
  ihdr.writeUInt32BE(header.width, 0)
  ihdr.writeUInt32BE(header.height, 4)
  ihdr.set([header.depth ?? 8, header.colourType, 0, 0, 0], 8)
  const written = [
    ['IHDR', ihdr] as [string, Buffer],
    ...chunks,
    ['IEND', Buffer.alloc(0)] as [string, Buffer],
  ]
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    ...written.flatMap(([name, content]) => {
      const body = Buffer.concat([Buffer.from(name, 'latin1'), content])
      const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
      length.writeUInt32BE(content.length)
      sum.writeUInt32BE(crc32(body))
      return [length, body, sum]
    }),
  ])
}

/** Rows without a filter. */
function imageData(rows: readonly (readonly number[])[]): Buffer {
  return deflateSync(Buffer.from(rows.flatMap(row => [0, ...row])))
}

const image = fc
  .record({
    width: fc.integer({ min: 1, max: 12 }),
    height: fc.integer({ min: 1, max: 12 }),
    channels: fc.constantFrom(1 as const, 2 as const, 3 as const, 4 as const),
    wanted: fc.constantFrom(1, 3, 4),
    isGrey: fc.boolean(),
  })
  .chain(size =>
    fc
      .uint8Array({
        minLength: size.width * size.height * size.channels,
        maxLength: size.width * size.height * size.channels,
      })
      .map(data => ({ ...size, data })),
  )
  .map(drawn => {
    if (drawn.isGrey && drawn.channels >= 3) {
      drawn.data = drawn.data.map((value, index) =>
        index % drawn.channels < 3 ? (drawn.data[index - (index % drawn.channels)] ?? 0) : value,
      )
    }
    return drawn
  })

describe('a PNG of the model’s size', () => {
  it('is decoded to the same bits as by libvips, whatever its channels and the model’s', async () => {
    let decoded = 0
    await fc.assert(
      fc.asyncProperty(image, async ({ width, height, channels, data, wanted }) => {
        const content = Buffer.from(encode({ width, height, channels, data, depth: 8 }))
        const shape = [height, width, wanted]
        const received = decodePlainPng(content, shape)
        if (received === null) return
        decoded++
        expect(received).toEqual(await decodeBySharp(content, shape))
      }),
      { numRuns: 300 },
    )
    expect(decoded).toBeGreaterThan(150)
  })

  it('is decoded to the same bits by every filter that an encoder may choose', async () => {
    const data = Uint8Array.from({ length: 28 * 28 * 3 }, (_, index) => (index * 7919) % 251)
    for (const adaptiveFiltering of [false, true]) {
      const content = await sharp(data, { raw: { width: 28, height: 28, channels: 3 } })
        .png({ adaptiveFiltering })
        .toBuffer()
      expect(decodePlainPng(content, [28, 28, 3])).toEqual(data)
    }
  })

  it('has its palette’s colours, opaque or not', async () => {
    const colours = Buffer.from([0, 0, 0, 255, 255, 255, 200, 10, 99])
    const rows = imageData([
      [0, 1],
      [2, 1],
    ])
    for (const transparency of [[], [['tRNS', Buffer.from([0, 128])] as [string, Buffer]]]) {
      const content = png({ width: 2, height: 2, colourType: 3 }, [
        ['PLTE', colours],
        ...transparency,
        ['IDAT', rows],
      ])
      for (const channels of [3, 4]) {
        const received = decodePlainPng(content, [2, 2, channels])
        expect(received).not.toBeNull()
        expect(received).toEqual(await decodeBySharp(content, [2, 2, channels]))
      }
    }
  })

  it.each([
    ['sRGB', Buffer.from([0])],
    ['gAMA', Buffer.from([0, 0, 0xb1, 0x8f])],
    ['pHYs', Buffer.from([0, 0, 0x0b, 0x13, 0, 0, 0x0b, 0x13, 1])],
    ['tEXt', Buffer.from('Software\0a program')],
    ['tIME', Buffer.from([0x07, 0xea, 11, 24, 1, 2, 3])],
    ['cHRM', Buffer.from(Array.from({ length: 32 }, (_, index) => (index % 4 === 3 ? 100 : 0)))],
  ])('may have the chunk %s, which changes nothing', async (name, content) => {
    const whole = png({ width: 2, height: 1, colourType: 2 }, [
      [name, content],
      ['IDAT', imageData([[10, 200, 30, 40, 50, 60]])],
    ])
    expect(decodePlainPng(whole, [1, 2, 3])).toEqual(Uint8Array.of(10, 200, 30, 40, 50, 60))
    expect(await decodeBySharp(whole, [1, 2, 3])).toEqual(Uint8Array.of(10, 200, 30, 40, 50, 60))
  })
})

describe('what asks for more is left to libvips', () => {
  const grey = (more: [string, Buffer][] = []) =>
    png({ width: 2, height: 1, colourType: 0 }, [...more, ['IDAT', imageData([[1, 2]])]])
  it.each([
    ['another size', grey(), [2, 2, 1]],
    ['two channels', grey(), [1, 2, 2]],
    [
      '16 bits',
      png({ width: 1, height: 1, depth: 16, colourType: 0 }, [['IDAT', imageData([[1, 2]])]]),
      [1, 1, 1],
    ],
    [
      'one bit',
      png({ width: 2, height: 1, depth: 1, colourType: 0 }, [['IDAT', imageData([[64]])]]),
      [1, 2, 1],
    ],
    ['a transparent grey', grey([['tRNS', Buffer.from([0, 1])]]), [1, 2, 1]],
    ['an orientation', grey([['eXIf', Buffer.alloc(8)]]), [1, 2, 1]],
    ['a colour profile', grey([['iCCP', Buffer.alloc(8)]]), [1, 2, 1]],
    [
      'a colour for a model of greys',
      png({ width: 1, height: 1, colourType: 2 }, [['IDAT', imageData([[1, 2, 3]])]]),
      [1, 1, 1],
    ],
    [
      'a colour that the palette lacks',
      png({ width: 1, height: 1, colourType: 3 }, [
        ['PLTE', Buffer.alloc(3)],
        ['IDAT', imageData([[1]])],
      ]),
      [1, 1, 3],
    ],
    ['too few rows', png({ width: 2, height: 2, colourType: 0 }, [['IDAT', imageData([[1, 2]])]]), [2, 2, 1]],
    ['another format', Buffer.from([0xff, 0xd8, 0xff, ...Buffer.alloc(60)]), [1, 2, 1]],
    ['nothing', Buffer.alloc(0), [1, 2, 1]],
  ])('%s', (_, content, shape) => {
    expect(decodePlainPng(content, shape)).toBeNull()
  })

  it('a stream that swells beyond its image', () => {
    const bomb = deflateSync(Buffer.alloc(50_000_000))
    const content = png({ width: 28, height: 28, colourType: 0 }, [['IDAT', bomb]])
    const startedMs = performance.now()
    expect(decodePlainPng(content, [28, 28, 1])).toBeNull()
    expect(performance.now() - startedMs).toBeLessThan(100)
  })

  it('a file with a wrong bit, or cut off: never decoded to other numbers than libvips’s', async () => {
    const data = Uint8Array.from({ length: 64 }, (_, index) => (index * 37) % 256)
    const good = Buffer.from(encode({ width: 8, height: 8, channels: 1, depth: 8, data }))
    for (let at = 0; at < good.length; at++) {
      const wrong = Buffer.from(good)
      wrong[at] = (wrong[at] ?? 0) ^ (1 << (at % 8))
      for (const content of [wrong, good.subarray(0, at)]) {
        const received = decodePlainPng(content, [8, 8, 1])
        if (received) expect(received, `byte ${at}`).toEqual(await decodeBySharp(content, [8, 8, 1]))
      }
    }
  })
})
