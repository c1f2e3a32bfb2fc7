import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { encode } from 'fast-png'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { createTestFolder } from '../../../../helpers/folder.ts'
import { createUploader, type Parts } from '../../../../helpers/upload.ts'
import { type ZipFile, zipFile } from '../../../../helpers/zip.ts'

async function upload(parts: Parts, pieceBytes?: number) {
  const uploader = createUploader(await createTestFolder())
  const dataset = await uploader.upload(parts, pieceBytes)
  return { dataset, uploader, examples: await uploader.examples(dataset) }
}

/** A PNG whose every value is the same, or those given. */
function png(
  width: number,
  height: number,
  channels: 1 | 2 | 3 | 4,
  values: number | readonly number[],
): Buffer {
  const length = width * height * channels
  const data = Uint8Array.from({ length }, (_, index) =>
    typeof values === 'number' ? values : (values[index % values.length] ?? 0),
  )
  return Buffer.from(encode({ width, height, channels, depth: 8, data }))
}

const archive = (files: Readonly<Record<string, Uint8Array>>, more: Partial<ZipFile> = {}) =>
  zipFile(Object.entries(files).map(([name, content]) => ({ name, content, ...more })))

describe('a ZIP of folders of classes', () => {
  it.each([
    ['stored', {}, 65_536],
    ['deflated', { isDeflated: true }, 33],
    ['of ZIP64', { isZip64: true }, 1_000],
  ])('becomes images in the order of the archive, %s', async (_, more, pieceBytes) => {
    const file = archive(
      {
        '10/a.png': png(3, 2, 1, 1),
        '9/b.png': png(3, 2, 1, [1, 2, 3, 4, 5, 6]),
        '10/c.png': png(3, 2, 1, 200),
      },
      more,
    )
    const { dataset, examples, uploader } = await upload({ file }, pieceBytes)
    expect(dataset).toMatchObject({
      format: 'zip',
      kind: 'image',
      dtype: 'uint8',
      shape: [2, 3, 1],
      task: 'classification',
      columns: null,
      classes: ['9', '10'],
      splits: { train: { examples: 3, classCounts: { 9: 1, 10: 2 } } },
      statistics: { splits: { train: { min: 1, max: 200 } } },
      warnings: [],
    })
    expect(examples).toEqual([
      { index: 0, label: '10', features: [1, 1, 1, 1, 1, 1] },
      { index: 1, label: '9', features: [1, 2, 3, 4, 5, 6] },
      { index: 2, label: '10', features: [200, 200, 200, 200, 200, 200] },
    ])
    expect(await uploader.files()).toMatchObject({ blobs: { length: 2 }, drafts: [] })
  })

  it('may have folders of splits, a folder around it all, and what a system adds', async () => {
    const one = png(2, 2, 1, 9)
    const { dataset } = await upload({
      file: gzipSync(
        archive({
          'photos/': Buffer.alloc(0),
          'photos/train/cat/1.png': one,
          'photos/train/dog/1.png': one,
          'photos/.DS_Store': Buffer.from('no image'),
          'photos/val/cat/2.png': one,
          'photos/test/dog/.hidden/3.png': Buffer.from('no image'),
          'photos/test/dog/3.png': one,
          'photos/test/dog/Thumbs.db': Buffer.from('no image'),
          '__MACOSX/photos/train/cat/._1.png': Buffer.from('no image'),
        }),
      ),
    })
    expect(dataset.classes).toEqual(['cat', 'dog'])
    expect(dataset.splits).toMatchObject({
      train: { examples: 2 },
      validation: { examples: 1, classCounts: { cat: 1, dog: 0 } },
      test: { examples: 1, classCounts: { cat: 0, dog: 1 } },
    })
  })

  it.each([
    ['one folder around classes', ['all/cat/1.png', 'all/dog/1.png'], ['cat', 'dog']],
    ['paths that begin with a dot', ['./cat/1.png', './dog/1.png'], ['cat', 'dog']],
    ['a class named as a split', ['cat/1.png', 'test/1.png'], ['cat', 'test']],
    ['splits in other words', ['Training/cat/1.png', 'Training/dog/1.png', 'dev/dog/2.png'], ['cat', 'dog']],
    ['names of many scripts', ['наука/1.png', '猫/1.png'], ['наука', '猫']],
  ])('is understood with %s', async (_, names, classes) => {
    const { dataset } = await upload({
      file: archive(Object.fromEntries(names.map(name => [name, png(1, 1, 1, 5)]))),
    })
    expect(dataset.classes).toEqual(classes)
  })

  it('reads names as UTF-8 also where the archive forgets to say so, else as IBM 437', async () => {
    const content = png(1, 1, 1, 5)
    const { dataset } = await upload({
      file: zipFile([
        { name: 'ä/1.png', content, flags: 0 },
        { name: Buffer.from([0x9a, 0x2f, 0x31]), content, flags: 0 },
      ]),
    })
    expect(dataset.classes).toEqual(['Ü', 'ä'])
  })

  it('may be one file for each split', async () => {
    const file = archive({ 'a/1.png': png(1, 1, 1, 5), 'b/1.png': png(1, 1, 1, 6) })
    const { dataset } = await upload({ train: file, test: file })
    expect(Object.keys(dataset.splits)).toEqual(['train', 'test'])
  })

  it('can be looked at without being stored', async () => {
    const uploader = createUploader(await createTestFolder())
    const preview = await uploader.inspect({
      file: archive({ 'a/1.png': png(1, 1, 1, 5), 'b/1.png': png(1, 1, 1, 6) }),
    })
    expect(preview).toMatchObject({
      shape: [1, 1, 1],
      examples: [{ label: 'a' }, { label: 'b', features: [6] }],
    })
    expect(await uploader.files()).toEqual({ blobs: [], drafts: [] })
  })
})

describe('size and colours', () => {
  const shapeOf = async (contents: readonly Buffer[], parts: Parts = {}) => {
    const named = contents.map((content, index) => [`${index % 2}/${index}.png`, content])
    const { dataset, examples } = await upload({ ...parts, file: archive(Object.fromEntries(named)) })
    return { shape: dataset.shape, warnings: dataset.warnings, first: examples[0]?.features, examples }
  }

  it('are those of the images where all agree', async () => {
    expect(await shapeOf([png(4, 2, 3, 1), png(4, 2, 3, 2)])).toMatchObject({
      shape: [2, 4, 3],
      warnings: [],
    })
    expect((await shapeOf([png(4, 2, 4, 255), png(4, 2, 4, 255)])).shape).toEqual([2, 4, 3])
    expect((await shapeOf([png(4, 2, 2, 255), png(4, 2, 1, 255)])).shape).toEqual([2, 4, 1])
  })

  it('are the median size, and colour when one image has it', async () => {
    const { shape, warnings } = await shapeOf([png(4, 2, 1, 1), png(8, 9, 3, 1), png(8, 2, 1, 1)])
    expect(shape).toEqual([2, 8, 3])
    expect(warnings).toEqual([
      '2 of 3 images have another size and are made 8 × 2; the part imageSize chooses another.',
      '2 of 3 images are grey among coloured ones.',
      '2 of 3 examples of train are copies of earlier ones.',
      '1 of 3 examples of train have the features of an earlier one and another label.',
    ])
  })

  it('are no longer than 128, with proportions kept', async () => {
    const { shape, warnings } = await shapeOf([png(512, 100, 1, 1), png(512, 100, 1, 2)])
    expect(shape).toEqual([25, 128, 1])
    expect(warnings[0]).toContain('2 of 2 images have another size and are made 128 × 25')
  })

  it('are those that were asked for', async () => {
    const grey = await shapeOf([png(2, 2, 3, 7), png(3, 3, 3, 9)], { imageSize: '5x1', colour: 'grey' })
    expect(grey).toMatchObject({ shape: [1, 5, 1], warnings: [], first: [7, 7, 7, 7, 7] })
    const colour = await shapeOf([png(1, 1, 1, 7), png(1, 1, 1, 9)], { colour: 'colour' })
    expect(colour).toMatchObject({ shape: [1, 1, 3], first: [7, 7, 7] })
  })

  it('a part fit says how another size is reached', async () => {
    const wide = png(4, 2, 1, [255, 255, 255, 255])
    const stretchedBy = async (fit: string) =>
      (await shapeOf([wide, wide], { imageSize: '4x4', colour: 'grey', fit })).first
    expect(await stretchedBy('fill')).toEqual(Array(16).fill(255))
    expect(await stretchedBy('contain')).toEqual([
      ...Array(4).fill(0),
      ...Array(8).fill(255),
      ...Array(4).fill(0),
    ])
    const halves = png(4, 2, 1, [0, 100, 100, 0])
    expect(
      (await shapeOf([halves, halves], { imageSize: '2x2', colour: 'grey', fit: 'cover' })).first,
    ).toEqual([100, 100, 100, 100])
  })
})

describe('what an image is made of', () => {
  const raw = { width: 2, height: 1, channels: 3 } as const
  const red = sharp(Buffer.from([255, 0, 0, 0, 0, 255]), { raw })
  const featuresOf = async (content: Buffer, parts: Parts = {}) => {
    const file = archive({ 'a/1': content, 'b/2': content })
    const { dataset, examples } = await upload({ ...parts, file })
    return { shape: dataset.shape, features: examples[0]?.features.map(Number) ?? [] }
  }
  const near = (expected: readonly number[]) => expected.map(value => expect.closeTo(value, -1.4)) // within 12

  it('transparency is put on black', async () => {
    expect((await featuresOf(png(1, 1, 4, [200, 100, 50, 128]))).features).toEqual(near([100, 50, 25]))
    expect((await featuresOf(png(1, 1, 2, [200, 0]))).features).toEqual([0])
  })

  it('an orientation of EXIF turns it upright', async () => {
    const turned = await red
      .clone()
      .withMetadata({ orientation: 6 })
      .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
      .toBuffer()
    const { shape, features } = await featuresOf(turned)
    expect(shape).toEqual([2, 1, 3])
    expect(features).toEqual(near([255, 0, 0, 0, 0, 255]))
  })

  it('16 bits become 8, within one step', async () => {
    const data = Uint16Array.of(0x1234, 0xff00, 0x00ff)
    const grey = Buffer.from(encode({ width: 3, height: 1, channels: 1, depth: 16, data }))
    expect(await featuresOf(grey)).toEqual({ shape: [1, 3, 1], features: [18, 254, 1] })
    const colour = Buffer.from(encode({ width: 1, height: 1, channels: 3, depth: 16, data }))
    expect(await featuresOf(colour)).toEqual({ shape: [1, 1, 3], features: [18, 255, 0] })
  })

  it('CMYK becomes sRGB', async () => {
    const cmyk = await red.clone().toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer()
    expect((await sharp(cmyk).metadata()).space).toBe('cmyk')
    const { shape, features } = await featuresOf(cmyk)
    expect(shape).toEqual([1, 2, 3])
    expect(features[0]).toBeGreaterThan(features[2] ?? 255) // the reds of inks are duller
    expect(features[5]).toBeGreaterThan(features[3] ?? 255)
  })

  it('PNG, JPEG and WebP may be mixed, whatever they are called', async () => {
    const [jpeg, webp] = await Promise.all([
      red.clone().jpeg().toBuffer(),
      red.clone().webp({ lossless: true }).toBuffer(),
    ])
    const { dataset, examples } = await upload({
      file: archive({ 'a/1.jpg': jpeg, 'a/2.gif': webp, 'b/3': await red.clone().png().toBuffer() }),
    })
    expect(dataset.shape).toEqual([1, 2, 3])
    expect(examples[1]?.features).toEqual([255, 0, 0, 0, 0, 255])
    expect(examples[2]?.features).toEqual([255, 0, 0, 0, 0, 255])
  })
})

const sets = fc
  .record({
    width: fc.integer({ min: 1, max: 9 }),
    height: fc.integer({ min: 1, max: 9 }),
    channels: fc.constantFrom(1 as const, 3 as const),
    isDeflated: fc.boolean(),
    splits: fc.constantFrom<readonly string[]>(
      [],
      ['train'],
      ['train', 'test'],
      ['train', 'validation', 'test'],
    ),
    labels: fc.uniqueArray(fc.stringMatching(/^[a-z0-9]{1,4}$/), { minLength: 3, maxLength: 4 }),
    count: fc.integer({ min: 1, max: 4 }),
    seed: fc.nat(),
  })
  .map(drawn => {
    const size = drawn.width * drawn.height * drawn.channels
    const splits = drawn.splits.length === 0 ? [''] : drawn.splits.map(split => `${split}/`)
    const images = splits.flatMap(split =>
      drawn.labels.flatMap(label =>
        Array.from({ length: drawn.count }, (_, index) => ({
          split: split.slice(0, -1) || 'train',
          label,
          name: `${split}${label}/${index}.png`,
          data: Uint8Array.from(
            { length: size },
            (_, at) => Math.imul(drawn.seed + at, 2_654_435_761 + index) >>> 24,
          ),
        })),
      ),
    )
    return { ...drawn, images }
  })

it('whatever images are written are what is read', async () => {
  const uploader = createUploader(await createTestFolder())
  await fc.assert(
    fc.asyncProperty(sets, async ({ width, height, channels, isDeflated, images }) => {
      const files = images.map(({ name, data }) => ({
        name,
        content: Buffer.from(encode({ width, height, channels, depth: 8, data })),
        isDeflated,
      }))
      const dataset = await uploader.upload({ file: zipFile(files) })
      expect(dataset.shape).toEqual([height, width, channels])
      for (const split of ['train', 'validation', 'test'] as const) {
        const expected = images.filter(image => image.split === split)
        if (expected.length === 0) continue
        const examples = await uploader.examples(dataset, split)
        expect(examples.map(({ label }) => label)).toEqual(expected.map(({ label }) => label))
        expect(examples.map(({ features }) => features)).toEqual(expected.map(({ data }) => Array.from(data)))
      }
    }),
    { numRuns: 60 },
  )
})
