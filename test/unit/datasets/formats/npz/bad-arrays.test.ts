import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AppError } from '../../../../../src/errors.ts'
import { createTestFolder } from '../../../../helpers/folder.ts'
import { npyFile, npyHead, npzFile, type TestArray } from '../../../../helpers/npy.ts'
import { expectRefusal, type RefusedUpload } from '../../../../helpers/refused.ts'
import { createUploader } from '../../../../helpers/upload.ts'
import { zipFile } from '../../../../helpers/zip.ts'

const x = { descr: '<f4', shape: [2, 2], items: [1, 2, 3, 4] } satisfies TestArray
const y = { descr: '|u1', shape: [2], items: [0, 1] } satisfies TestArray
const good = npyFile(x)

const dictionary = (descr: string, shape = '(2, 2)', order = 'False') =>
  `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }`
/** A table whose head says something else than its 16 bytes. */
const headed = (text: string, bytes = 16) => ({ file: Buffer.concat([npyHead(text), Buffer.alloc(bytes)]) })
const npz = (arrays: Record<string, TestArray>) => ({ file: npzFile(arrays) })
const versioned = (bytes: readonly number[]) =>
  Buffer.concat([Buffer.from('\x93NUMPY', 'latin1'), Buffer.from(bytes)])

describe('an array is refused, and nothing is kept', () => {
  it.each<[string, RefusedUpload]>([
    [
      'a signature alone',
      { parts: { file: good.subarray(0, 6) }, says: /whole header; received 6 bytes/, pointer: '/file' },
    ],
    ['a cut header', { parts: { file: good.subarray(0, 60) }, says: /whole header; it is truncated/ }],
    [
      'an unknown version',
      { parts: { file: versioned([9, 0, 0, 0, 0, 0]) }, says: /versions must be 1 to 3; received 9/ },
    ],
    [
      'a header of 4 GB',
      {
        parts: { file: versioned([2, 0, 255, 255, 255, 255]) },
        says: /header may have 10000 bytes; received 4294967295/,
      },
    ],
    [
      'a header that is no dictionary',
      { parts: headed('import os'), says: /must have descr, fortran_order and shape; received "import os/ },
    ],
    ['a header that calls', { parts: headed("{'descr': exit(), 'shape': (2,)}"), says: /must have descr/ }],
    [
      'a header without a shape',
      { parts: headed("{'descr': '<f4', 'fortran_order': False}"), says: /must have descr/ },
    ],
    [
      'a header with more',
      {
        parts: headed("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), 'x': 'y'}"),
        says: /must have descr/,
      },
    ],
    [
      'a header that does not end',
      { parts: headed("{'descr': '<f4', 'fortran_order': False, "), says: /must have descr/ },
    ],
    [
      'pickled objects',
      { parts: headed(dictionary("'|O'")), says: /received pickled objects \("\|O"\), which are never read/ },
    ],
    [
      'records',
      { parts: headed(dictionary("[('a', '<f4'), ('b', '<f4')]")), says: /received records of named fields/ },
    ],
    [
      'complex numbers',
      { parts: headed(dictionary("'<c8'")), says: /float16 to float64 or texts; received "<c8"/ },
    ],
    ['dates', { parts: headed(dictionary("'<M8[ns]'")), says: /received "<M8\[ns\]"/ }],
    ['long doubles', { parts: headed(dictionary("'<f16'")), says: /received "<f16"/ }],
    ['raw bytes', { parts: headed(dictionary("'|V4'")), says: /received "\|V4"/ }],
    ['a negative length', { parts: headed(dictionary("'<f4'", '(-2, 2)')), says: /must have descr/ }],
    [
      'a length beyond 10^15',
      { parts: headed(dictionary("'<f4'", '(99999999999999999999, 2)')), says: /whole numbers below 10\^15/ },
    ],
    [
      'a product beyond 2^53',
      { parts: headed(dictionary("'<f4'", '(4294967296, 4294967296)')), says: /may have 2\^53 items/ },
    ],
    [
      'nine axes',
      {
        parts: headed(dictionary("'<f4'", '(1, 1, 1, 1, 1, 1, 1, 2, 2)')),
        says: /may have 8 axes; received 9/,
      },
    ],
    [
      'more than there is',
      {
        parts: headed(dictionary("'<f4'", '(1000000000, 2)')),
        says: /must hold the 8000000000 bytes of its header .* received 16/,
      },
    ],
    [
      'less than there is',
      {
        parts: headed(dictionary("'<f4'", '(1, 2)')),
        says: /must hold the 8 bytes of its header .* received 16/,
      },
    ],
    [
      'no rows',
      { parts: headed(dictionary("'<f4'", '(0, 2)'), 0), says: /must be rows × columns; received 0 × 2/ },
    ],
    [
      'one axis alone',
      { parts: { file: npyFile(y) }, says: /must be rows × columns; received 2 \(arrays of more axes/ },
    ],
    [
      'one column alone',
      { parts: { file: npyFile({ ...x, shape: [4, 1] }) }, says: /a column to learn from beside/ },
    ],
    [
      'infinity in a table',
      {
        parts: { file: npyFile({ ...x, items: [1, 0, Number.POSITIVE_INFINITY, 1] }) },
        says: /^row 2, column "column1": numbers must be finite/,
      },
    ],
    [
      'texts without a length',
      {
        parts: npz({ x, y: { descr: '<U0', shape: [2], items: [] } }),
        says: /y: texts must have 1 to 1024 characters; received "<U0"/,
      },
    ],
    [
      'texts of a megabyte',
      { parts: npz({ x, y: { descr: '|S999999', shape: [0], items: [] } }), says: /received "\|S999999"/ },
    ],
    [
      'too many features',
      {
        parts: npz({
          x: { descr: '|b1', shape: [1, 2 ** 20 + 1], items: Array(2 ** 20 + 1).fill(false) },
          y,
        }),
        says: /x: an example may have 1048576 items/,
        code: 'PAYLOAD_TOO_LARGE',
      },
    ],
    [
      'examples larger than the limit once they are float32',
      {
        parts: npz({
          x: { descr: '|i1', shape: [300, 8], items: Array(2_400).fill(1) },
          y: { ...y, shape: [300], items: Array(300).fill(1) },
        }),
        uploadBytesMax: 8_000,
        says: /may take 8000 bytes as float32; received 9600/,
        code: 'PAYLOAD_TOO_LARGE',
      },
    ],
    [
      'NaN among features',
      {
        parts: npz({ x: { ...x, items: [1, 2, Number.NaN, 4] }, y }),
        says: /^x: row 2, number 1: numbers must be finite in float32; received NaN/,
      },
    ],
    [
      'what float32 cannot hold',
      {
        parts: npz({ x: { ...x, descr: '<f8', items: [1, 1e39, 3, 4] }, y }),
        says: /^x: row 1, number 2: .* received 1e\+39/,
      },
    ],
    [
      'integers beyond 2^53',
      {
        parts: npz({ x: { ...x, descr: '<i8', items: [1n, 2n, 3n, 2n ** 53n] }, y }),
        says: /^x: row 2, number 2: whole numbers must be within ±2\^53/,
      },
    ],
    [
      'labels beyond 2^53',
      {
        parts: npz({ x, y: { ...y, descr: '<u8', items: [1n, 2n ** 64n - 1n] } }),
        says: /^y: row 2: whole numbers must be within/,
      },
    ],
    [
      'NaN among labels',
      {
        parts: npz({ x, y: { ...y, descr: '<f2', items: [1, Number.NaN] } }),
        says: /^y: row 2: labels must be finite in float32; received NaN/,
      },
    ],
    [
      'texts as features',
      {
        parts: npz({ x: { descr: '<U1', shape: [2, 1], items: ['a', 'b'] }, y }),
        says: /numbers; received texts/,
      },
    ],
    [
      'texts that are none',
      {
        parts: npz({ x, y: { descr: '<U1', shape: [2], items: ['a', 'b'] } }),
        says: /^y: texts must be Unicode; received the code point 1114112/,
      },
    ],
    [
      'an empty text',
      {
        parts: npz({ x, y: { descr: '<U1', shape: [2], items: ['a', ''] } }),
        says: /labels must be texts of at least one character/,
      },
    ],
    [
      'texts in two columns',
      {
        parts: npz({ x, y: { descr: '<U1', shape: [2, 2], items: ['a', 'b', 'c', 'd'] } }),
        says: /texts must have one column; received 2/,
      },
    ],
    [
      'labels of three axes',
      {
        parts: npz({ x, y: { ...y, shape: [2, 1, 1] } }),
        says: /labels must be \[examples\] or .* received 2 × 1 × 1/,
      },
    ],
    [
      'labels without a column',
      {
        parts: npz({ x, y: { descr: '<f4', shape: [2, 0], items: [] } }),
        says: /labels must have 1 to 10000 columns; received 0/,
      },
    ],
    [
      'fewer labels than examples',
      {
        parts: npz({ x, y: { ...y, shape: [1], items: [1] } }),
        says: /^y: must have a label for each of the 2 examples; received 1/,
      },
    ],
    ['no labels', { parts: npz({ x_train: x }), says: /x_train needs an array y of train/ }],
    ['no features', { parts: npz({ y_train: y }), says: /there must be arrays x and y of training/ }],
    [
      'labels of a test without features',
      { parts: npz({ x, y, y_test: y }), says: /y_test needs an array x of test/ },
    ],
    [
      'an array of no meaning',
      { parts: npz({ x, y, z: y }), says: /arrays must be x_train, y_train, .* received "z"/ },
    ],
    ['an array of no split', { parts: npz({ x, y, x_later: x }), says: /received "x_later"/ }],
    [
      'two arrays for one thing',
      { parts: npz({ x, y, x_train: x }), says: /x_train: there must be one x of train; received "x" too/ },
    ],
    [
      'a test of another shape',
      {
        parts: npz({ x, y, x_test: { ...x, shape: [1, 4] }, y_test: { ...y, shape: [1], items: [0] } }),
        says: /x_test: examples must be 2 of <f4 as in x; received 4 of <f4/,
      },
    ],
    [
      'a test of another type',
      {
        parts: npz({ x, y, x_test: { ...x, descr: '|u1' }, y_test: y }),
        says: /x_test: examples must be 2 of <f4 as in x; received 2 of \|u1/,
      },
    ],
    [
      'a class that training lacks',
      {
        parts: npz({ x, y, x_test: x, y_test: { ...y, items: [1, 2] } }),
        says: /^y_test: row 2: labels must occur in training; received "2"/,
      },
    ],
    [
      'a class without a name',
      {
        parts: npz({
          x,
          y: { ...y, items: [0, 2] },
          classes: { descr: '<U1', shape: [2], items: ['a', 'b'] },
        }),
        says: /^y: row 2: labels must be among the classes; received "2"/,
      },
    ],
    [
      'names for other columns',
      {
        parts: npz({
          x,
          y: { ...y, shape: [2, 2], items: [0, 1, 1, 0] },
          classes: { descr: '<U1', shape: [3], items: ['a', 'b', 'c'] },
        }),
        says: /classes must name each of the 2 columns/,
      },
    ],
    [
      'names that are equal',
      {
        parts: npz({ x, y, classes: { descr: '<U1', shape: [2], items: ['a', 'a'] } }),
        says: /classes: names must differ/,
      },
    ],
    [
      'names for other features',
      {
        parts: npz({ x, y, feature_names: { descr: '<U1', shape: [3], items: ['a', 'b', 'c'] } }),
        says: /feature_names must be different names, one for each of 2 features; received 3/,
      },
    ],
    [
      'one class',
      { parts: npz({ x, y: { ...y, items: [1, 1] } }), says: /two classes or more; received only "1"/ },
    ],
    [
      'five axes',
      {
        parts: npz({ x: { ...x, shape: [2, 1, 1, 1, 2] }, y }),
        says: /^x: x must be \[examples\].* received 2 × 1 × 1 × 1 × 2/,
      },
    ],
    [
      'channels first',
      {
        parts: npz({ x: { ...x, descr: '|u1', shape: [2, 1, 1, 2] }, y }),
        says: /1, 3 or 4 channels last; received 2 × 1 × 1 × 2/,
      },
    ],
    [
      'no examples',
      {
        parts: npz({ x: { ...x, shape: [0, 2], items: [] }, y: { ...y, shape: [0], items: [] } }),
        says: /x: must have an example at least/,
      },
    ],
    [
      'a single number',
      {
        parts: npz({ x: { ...x, shape: [], items: [1] }, y }),
        says: /^x: must have an example at least; received a single item/,
      },
    ],
    [
      'arrays and other files',
      {
        parts: {
          format: 'npz',
          file: zipFile([
            { name: 'x.npy', content: good },
            { name: 'a.txt', content: good },
          ]),
        },
        says: /must hold \.npy files and nothing else; received "a\.txt"/,
      },
    ],
    [
      'training arrays as the test',
      {
        parts: { test: npzFile({ x_train: x, y_train: y }) },
        says: /the part test must hold arrays of test; received some of train/,
        pointer: '/test',
      },
    ],
    [
      'an NPY that is another file',
      {
        parts: { trainX: npzFile({ x }), trainY: npyFile(y) },
        says: /^trainX: an NPY file must begin with/,
        pointer: '/trainX',
      },
    ],
    [
      'a part without its labels',
      { parts: { trainX: npyFile(x) }, says: /trainX needs an array y of train/ },
    ],
    ['a wrong claim', { parts: { format: 'npz', file: good }, says: /format says npz; received npy/ }],
    [
      'numbers as classes that are none',
      {
        parts: { task: 'classification', ...npz({ x, y: { ...y, descr: '<f4', items: [0.5, 1] } }) },
        says: /labels of a classification must be/,
        code: 'VALIDATION_FAILED',
        pointer: '/task',
      },
    ],
    [
      'several labels that are none',
      {
        parts: { task: 'multiLabel', ...npz({ x, y: { ...y, items: [1, 2] } }) },
        says: /must be zeros and ones/,
        code: 'VALIDATION_FAILED',
      },
    ],
    [
      'texts as numbers',
      {
        parts: { task: 'regression', ...npz({ x, y: { descr: '<U1', shape: [2], items: ['a', 'b'] } }) },
        says: /labels of a regression must be numbers/,
        code: 'VALIDATION_FAILED',
      },
    ],
    ...['target', 'splitColumn', 'delimiter', 'header', 'imageSize', 'colour', 'fit', 'columns'].map(
      (name): [string, RefusedUpload] => {
        const values: Record<string, string> = {
          delimiter: ';',
          header: 'true',
          imageSize: '2x2',
          colour: 'grey',
          fit: 'cover',
          columns: '{"a":"id"}',
        }
        const says = new RegExp(`^${name} means nothing for arrays`)
        return [
          `the part ${name}`,
          {
            parts: { [name]: values[name] ?? 'y', ...npz({ x, y }) },
            says,
            code: 'VALIDATION_FAILED',
            pointer: `/${name}`,
          },
        ]
      },
    ),
  ])('%s', async (title, refused) => {
    // No code point is written by hand where the writer of texts would not: the first character is replaced.
    if (title === 'texts that are none') {
      const file = Buffer.from(refused.parts.file ?? '')
      file.writeUInt32LE(0x110000, file.indexOf(Buffer.from('b\0\0\0')))
      const entry = {
        name: 'y.npy',
        content: file.subarray(
          file.indexOf('\x93NUMPY', file.indexOf('y.npy'), 'latin1'),
          file.indexOf('PK\x01\x02'),
        ),
      }
      return expectRefusal({
        ...refused,
        parts: { file: zipFile([{ name: 'x.npy', content: good }, entry]) },
      })
    }
    await expectRefusal(refused)
  })
})

it('a large array of wide rows in Fortran’s order is refused with advice', async () => {
  const [rows, columns] = [1_024, 16_385]
  const dictionary = `{'descr': '<f4', 'fortran_order': True, 'shape': (${rows}, ${columns}), }`
  const trainX = Buffer.concat([npyHead(dictionary), Buffer.alloc(4 * rows * columns)])
  const trainY = npyFile({
    descr: '|u1',
    shape: [rows],
    items: Array.from({ length: rows }, (_, row) => row % 2),
  })
  const says =
    /^trainX: an array in Fortran's order .* may have 16384 items .* received 16385 \(numpy\.ascontiguousarray/
  await expectRefusal({ parts: { trainX, trainY }, says, pointer: '/trainX' })
})

describe('a file that ends early is refused at every 4 KB', () => {
  const large = {
    descr: '<f4',
    shape: [600, 20],
    items: Array.from({ length: 12_000 }, (_, i) => Math.sin(i)),
  }
  const labels = { descr: '|u1', shape: [600], items: Array.from({ length: 600 }, (_, i) => i % 3) }
  it.each([
    ['NPZ', npzFile({ x: large, y: labels })],
    ['NPZ, deflated', npzFile({ x: large, y: labels }, true)],
    ['NPY', npyFile(large)],
  ])('%s', async (_, whole) => {
    const uploader = createUploader(await createTestFolder())
    expect(whole.length).toBeGreaterThan(8 * 4_096)
    for (let end = 0; end < whole.length; end += 4_096) {
      const refusal = uploader.upload({
        format: whole[0] === 0x50 ? 'npz' : 'npy',
        file: whole.subarray(0, end),
      })
      await expect(refusal, `${end} bytes`).rejects.toMatchObject({ code: 'DATASET_INVALID' })
    }
    expect(await uploader.files()).toEqual({ blobs: [], drafts: [] })
  })
})

it('a file with wrong bytes is refused or read, and is never a defect', async () => {
  const uploader = createUploader(await createTestFolder())
  const [apart, packed] = [npzFile({ x, y }), npzFile({ x, y }, true)]
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(apart, packed, good),
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
