import fc from 'fast-check'
import { encode } from 'fast-png'
import { describe, expect, it } from 'vitest'
import { AppError } from '../../../../../src/errors.ts'
import { createTestFolder } from '../../../../helpers/folder.ts'
import { npyFile } from '../../../../helpers/npy.ts'
import { expectRefusal, type RefusedUpload } from '../../../../helpers/refused.ts'
import { createUploader } from '../../../../helpers/upload.ts'
import { type ZipFile, zipFile } from '../../../../helpers/zip.ts'

const noise = (length: number) =>
  Uint8Array.from({ length }, (_, index) => Math.imul(index + 1, 2_654_435_761) >>> 24)
const png = (side = 2) =>
  Buffer.from(encode({ width: side, height: side, channels: 1, depth: 8, data: noise(side * side) }))
const good = png()

/** Two classes of one image, with one more file or with something else about the second one. */
const pair = (second: Partial<ZipFile>, ...more: ZipFile[]) => ({
  file: zipFile([{ name: 'a/1.png', content: good }, { name: 'b/2.png', content: good, ...second }, ...more]),
})
const folders = (...names: string[]) => ({ file: zipFile(names.map(name => ({ name, content: good }))) })
const start = 30 + 'a/1.png'.length + good.length

function withHeader(change: (file: Buffer) => void): Buffer {
  const file = Buffer.from(pair({}).file)
  change(file)
  return file
}

function hugePng(): Buffer {
  const file = Buffer.from(good)
  file.writeUInt32BE(60_000, 16)
  file.writeUInt32BE(60_000, 20)
  return file
}

describe('an archive is refused, and nothing is kept', () => {
  const invalid = (says: RegExp, second: Partial<ZipFile>, ...more: ZipFile[]): RefusedUpload => ({
    parts: pair(second, ...more),
    says,
    pointer: '/file',
  })
  it.each<[string, RefusedUpload]>([
    [
      'a path that climbs',
      invalid(/^entry "\.\.\/b\/2\.png": names must be relative/, { name: '../b/2.png' }),
    ],
    ['a path that climbs within', invalid(/names must be relative/, { name: 'b/../../2.png' })],
    ['an absolute path', invalid(/names must be relative/, { name: '/etc/passwd' })],
    ['a path of a drive', invalid(/names must be relative/, { name: 'C:/b/2.png' })],
    ['backslashes', invalid(/names must be relative/, { name: 'b\\2.png' })],
    ['a NUL in a name', invalid(/names must be relative/, { name: 'b/2.png\0.txt' })],
    ['a line break in a name', invalid(/names must be relative/, { name: 'b/2\n.png' })],
    ['an empty name', invalid(/names must be relative/, { name: '' })],
    [
      'a name of a kilobyte',
      invalid(/names may have 512 bytes; received 1026/, { name: `b/${'x'.repeat(1_024)}` }),
    ],
    ['a name twice', invalid(/^entry "a\/1\.png": names must differ/, { name: 'a/1.png' })],
    [
      'a link',
      invalid(/^entry "b\/2\.png": entries must be files and folders; received a link/, { mode: 0o120_777 }),
    ],
    ['a device', invalid(/received a link or a device/, { mode: 0o060_644 })],
    [
      'encryption',
      invalid(/^entry "b\/2\.png": files must not be encrypted/, {
        flags: 0x801,
        packedBytes: good.length + 12,
      }),
    ],
    ['strong encryption', invalid(/strong encryption is not supported/, { flags: 0x841 })],
    [
      'another compression',
      invalid(/^entry "b\/2\.png": files must be stored or deflated; received compression method 12/, {
        method: 12,
      }),
    ],
    ['a wrong checksum', invalid(/^entry "b\/2\.png": must have the checksum of the directory/, { crc: 1 })],
    ['a wrong checksum, deflated', invalid(/must have the checksum/, { crc: 1, isDeflated: true })],
    [
      'content that is not deflated',
      invalid(/^entry "b\/2\.png": deflated content must be whole and intact/, { method: 8 }),
    ],
    [
      'less than the directory says',
      invalid(/must be the 4000 bytes of the directory; received \d+/, { isDeflated: true, bytes: 4_000 }),
    ],
    [
      'more than the directory says',
      invalid(/must be the 5 bytes of the directory; received more/, { isDeflated: true, bytes: 5 }),
    ],
    [
      'stored in another size',
      invalid(/must be whole and intact: compressed\/uncompressed size mismatch/, { bytes: 5 }),
    ],
    [
      'the place of another entry',
      invalid(/^entry "a\/1\.png": entries must not overlap; received one that overlaps "b\/2\.png"/, {
        start: 0,
      }),
    ],
    ['a place within another entry', invalid(/entries must not overlap/, { start: start - 10 })],
    [
      'a place behind the directory',
      invalid(/^entry "b\/2\.png": entries must not overlap/, { start: 10_000 }),
    ],
    [
      'a place without a header',
      {
        parts: { file: withHeader(file => file.writeUInt32LE(0, start)) },
        says: /^entry "b\/2\.png": .* no header where the directory says/,
      },
    ],
    [
      'a header that reaches further',
      {
        parts: { file: withHeader(file => file.writeUInt16LE(60_000, start + 28)) },
        says: /^entry "b\/2\.png": entries must not overlap/,
      },
    ],
    [
      'fewer entries than there are',
      {
        parts: {
          file: zipFile(
            [
              { name: 'a/1.png', content: good },
              { name: 'b/2.png', content: good },
            ],
            { entries: 1 },
          ),
        },
        says: /as many entries as it says; received more than 1/,
      },
    ],
    [
      'more entries than there are',
      {
        parts: { file: zipFile([{ name: 'a/1.png', content: good }], { entries: 2 }) },
        says: /must be whole and intact: unexpected EOF/,
      },
    ],
    [
      'more entries than are allowed',
      {
        parts: { file: zipFile([{ name: 'a/1.png', content: good }], { entries: 250_001 }) },
        says: /may have 250000 entries; received 250001/,
        code: 'PAYLOAD_TOO_LARGE',
      },
    ],
    [
      'a directory outside',
      {
        parts: { file: zipFile([{ name: 'a/1.png', content: good }], { directoryStart: 100_000 }) },
        says: /must be whole and intact: unexpected EOF/,
      },
    ],
    [
      'bytes behind the end',
      {
        parts: { file: Buffer.concat([pair({}).file, Buffer.alloc(10)]) },
        says: /must be whole and intact: Invalid comment length/,
      },
    ],
    [
      'no end',
      {
        parts: { file: pair({}).file.subarray(0, -22) },
        says: /must be whole and intact: End of central directory/,
      },
    ],
    [
      'an end and nothing else',
      { parts: { file: zipFile([]) }, says: /a ZIP must hold images; received none/ },
    ],
    [
      'more than the limit',
      {
        parts: pair({ content: Buffer.alloc(50_000), isDeflated: true }),
        uploadBytesMax: 40_000,
        says: /a ZIP may hold 40000 bytes, unpacked/,
        code: 'PAYLOAD_TOO_LARGE',
      },
    ],
    [
      'an archive larger than the limit',
      {
        parts: pair({ content: noise(50_000) }),
        uploadBytesMax: 40_000,
        says: /a file may hold 40000 bytes/,
        code: 'PAYLOAD_TOO_LARGE',
      },
    ],
    [
      'images larger than the limit once decoded',
      {
        parts: { imageSize: '200x200', ...pair({}) },
        uploadBytesMax: 79_999,
        says: /may take 79999 bytes decoded; 2 of 200 × 200 × 1 take 80000/,
        code: 'PAYLOAD_TOO_LARGE',
      },
    ],
    [
      'a bomb',
      {
        parts: pair({ content: Buffer.alloc(40_000_000), isDeflated: true }),
        says: /may unpack to 100 times its size/,
        code: 'PAYLOAD_TOO_LARGE',
      },
    ],
    [
      'an archive in an archive',
      invalid(
        /^entry "b\/2\.zip": an image must be PNG, JPEG or WebP; received bytes that begin with 0x504b0304/,
        { name: 'b/2.zip', content: pair({}).file },
      ),
    ],
    [
      'a bomb in an archive in an archive',
      invalid(/an image must be PNG, JPEG or WebP/, {
        content: zipFile([{ name: 'c/3.png', content: Buffer.alloc(20_000_000), isDeflated: true }]),
      }),
    ],
    [
      'an image of 33 MB',
      {
        parts: pair({ content: noise(33 * 1024 ** 2) }),
        says: /^entry "b\/2\.png": an image may have 33554432 bytes; received 34603008/,
        code: 'PAYLOAD_TOO_LARGE',
      },
    ],
    [
      'an image of 60,000 × 60,000',
      invalid(/^entry "b\/2\.png": the image must be whole and intact, at most 16777216 pixels/, {
        content: hugePng(),
      }),
    ],
    [
      'half an image',
      invalid(/^entry "b\/2\.png": the image must be whole and intact/, {
        content: png(40).subarray(0, 800),
      }),
    ],
    [
      'an image with a wrong bit',
      invalid(/^entry "b\/2\.png": the image must be whole/, {
        content: Buffer.from(png(40)).fill(7, 500, 600),
      }),
    ],
    [
      'an empty file',
      invalid(/^entry "b\/2\.png": an image must be PNG, JPEG or WebP; received nothing/, {
        content: Buffer.alloc(0),
      }),
    ],
    [
      'a text',
      invalid(/^entry "b\/notes\.txt": an image must be/, {
        name: 'b/notes.txt',
        content: Buffer.from('a text'),
      }),
    ],
    [
      'a GIF',
      invalid(/^entry "b\/2\.png": an image must be/, {
        content: Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64'),
      }),
    ],
    [
      'an SVG',
      invalid(/^entry "b\/2\.png": an image must be/, {
        content: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'),
      }),
    ],
    [
      'folders only',
      {
        parts: { file: zipFile([{ name: 'a/', content: Buffer.alloc(0) }]) },
        says: /a ZIP must hold images; received none/,
      },
    ],
    [
      'hidden files only',
      { parts: folders('__MACOSX/a/1.png', 'a/.1.png'), says: /a ZIP must hold images; received none/ },
    ],
    [
      'one class',
      { parts: folders('a/1.png', 'a/2.png'), says: /folders of 2 to 10000 classes; received only "a"/ },
    ],
    [
      'images without a folder',
      { parts: folders('1.png', '2.png'), says: /^entry "1\.png": images must lie as class\/image/ },
    ],
    [
      'an image without a folder',
      {
        parts: folders('a/1.png', 'b/1.png', '2.png'),
        says: /^entry "2\.png": images must lie as class\/image/,
      },
    ],
    [
      'folders of different depth',
      {
        parts: folders('train/a/1.png', 'train/b/1.png', 'test/1.png'),
        says: /^entry "test\/1\.png": images must lie as split\/class\/image/,
      },
    ],
    [
      'folders too deep',
      { parts: folders('x/train/a/b/1.png', 'x/train/b/b/1.png'), says: /images must lie as/ },
    ],
    [
      'folders of no split',
      {
        parts: folders('train/a/1.png', 'train/b/1.png', 'later/b/2.png'),
        says: /^entry "later\/b\/2\.png": folders of splits must be/,
      },
    ],
    [
      'splits without classes',
      {
        parts: folders('train/1.png', 'test/1.png'),
        says: /^entry "train\/1\.png": a split must have a folder for each class/,
      },
    ],
    [
      'a class that training lacks',
      {
        parts: folders('train/a/1.png', 'train/b/1.png', 'test/c/1.png'),
        says: /^entry "test\/c\/1\.png": classes of test must occur in training; received "c"/,
      },
    ],
    [
      'no training',
      {
        parts: folders('test/a/1.png', 'test/b/1.png'),
        says: /training images must be in folders of 2 to 10000 classes; received none/,
      },
    ],
    [
      'a class of 300 letters',
      {
        parts: folders(`${'x'.repeat(300)}/1.png`, 'b/1.png'),
        says: /classes may have 200 characters; received 300/,
      },
    ],
    [
      'splits within a split',
      {
        parts: {
          train: folders('a/1.png', 'b/1.png').file,
          test: folders('test/a/1.png', 'test/b/2.png').file,
        },
        says: /^entry "test\/a\/1\.png": the part test must hold class\/image/,
        pointer: '/test',
      },
    ],
    [
      'arrays beside images',
      {
        parts: {
          train: folders('a/1.png', 'b/1.png').file,
          test: zipFile([{ name: 'x.npy', content: npyFile({ descr: '|u1', shape: [1], items: [1] }) }]),
        },
        says: /all files must hold images; received one of arrays/,
        pointer: '/test',
      },
    ],
    [
      'a regression',
      {
        parts: { task: 'regression', ...pair({}) },
        says: /images in folders are a classification; task says regression/,
        code: 'VALIDATION_FAILED',
        pointer: '/task',
      },
    ],
    [
      'an unknown fit',
      {
        parts: { fit: 'stretch', ...pair({}) },
        says: /fit must be fill or contain or cover/,
        code: 'VALIDATION_FAILED',
        pointer: '/fit',
      },
    ],
    ...['target', 'splitColumn', 'delimiter', 'header'].map((name): [string, RefusedUpload] => {
      const value = { delimiter: ';', header: 'true' }[name] ?? 'y'
      const says = new RegExp(`^${name} means nothing for images`)
      return [
        `the part ${name}`,
        { parts: { [name]: value, ...pair({}) }, says, code: 'VALIDATION_FAILED', pointer: `/${name}` },
      ]
    }),
    [
      'the size of pictures for a CSV',
      {
        parts: { imageSize: '2x2', file: Buffer.from('a,b\n1,2\n') },
        says: /^imageSize means nothing for tables/,
        code: 'VALIDATION_FAILED',
      },
    ],
  ])('%s', async (_, refused) => {
    await expectRefusal(refused)
  })

  it('100,000 entries beside one that is no image', async () => {
    const files = Array.from({ length: 100_000 }, (_, index) => ({
      name: `${index % 2}/${index}`,
      content: good,
    }))
    const file = zipFile([{ name: '0/none', content: Buffer.from('x') }, ...files])
    await expectRefusal({ parts: { file }, says: /^entry "0\/none": an image must be/ })
  })
})

it('an archive that ends early is refused at every 4 KB', async () => {
  const uploader = createUploader(await createTestFolder())
  const images = Array.from({ length: 40 }, (_, index) => ({
    name: `${index % 2}/${index}.png`,
    content: png(32),
  }))
  const whole = zipFile(images)
  expect(whole.length).toBeGreaterThan(8 * 4_096)
  for (let end = 0; end < whole.length; end += 4_096) {
    const refusal = uploader.upload({ format: 'zip', file: whole.subarray(0, end) })
    await expect(refusal, `${end} bytes`).rejects.toMatchObject({ code: 'DATASET_INVALID' })
  }
  expect(await uploader.files()).toEqual({ blobs: [], drafts: [] })
})

it('an archive with wrong bytes is refused or read, and is never a defect', async () => {
  const uploader = createUploader(await createTestFolder())
  const archives = [pair({}).file, pair({ isDeflated: true }).file, pair({ isZip64: true }).file]
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...archives),
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 }),
      async (whole, changes) => {
        const file = Buffer.from(whole)
        for (const [at, value] of changes) file[at % file.length] = value
        const thrown = await uploader.inspect({ file }).catch(error => error)
        if (thrown instanceof Error) expect(thrown).toBeInstanceOf(AppError)
      },
    ),
    { numRuns: 400 },
  )
  expect(await uploader.files()).toEqual({ blobs: [], drafts: [] })
})
