import { readFile } from 'node:fs/promises'
import { Dataset, File, Group, ready } from 'h5wasm'
import { describe, expect, it } from 'vitest'
import type { ImportOptions } from '../../../../src/models/imports/options.ts'
import { readImportOptions } from '../../../../src/models/imports/options.ts'
import { readArchive } from '../../../../src/models/imports/read-archive.ts'
import { readModelFile } from '../../../../src/models/imports/read-model-file.ts'
import {
  type Draft,
  ELEMENT,
  encodeModel,
  type OnnxGraph,
  type OnnxModel,
} from '../../../../src/models/onnx/messages.ts'
import { answersOf, readFilePart, zipOf } from '../../../helpers/imported-models.ts'

const { FS } = await ready
const sequential = await readFile(new URL('../../../reference/imports/sequential.keras', import.meta.url))
const keras = await readArchive(sequential)
const part = (name: string) => keras.get(name) ?? Buffer.alloc(0)
const config = () => JSON.parse(part('config.json').toString())

/** The `.keras` file with another description. */
const changed = (change: (config: ReturnType<typeof JSON.parse>) => void) => {
  const own = config()
  change(own)
  return zipOf({ 'config.json': own, 'model.weights.h5': part('model.weights.h5') })
}
const dense = (own: ReturnType<typeof JSON.parse>) => own.config.layers[3].config

/** The `.keras` file with its weights written anew, one of them by the test. */
async function weights(write: (file: File) => void): Promise<Buffer> {
  FS.writeFile('/original.h5', part('model.weights.h5'))
  const [original, file] = [new File('/original.h5', 'r'), new File('/changed.h5', 'w')]
  for (const path of original.paths()) {
    const found = original.get(path)
    const place = `/${path.replace(/^\//, '')}`
    if (found instanceof Group) file.create_group(place)
    else if (found instanceof Dataset && place !== KERNEL) {
      file.create_dataset({ name: place, data: found.value as Float32Array, shape: found.shape })
    }
  }
  write(file)
  original.close()
  file.close()
  return zipOf({ 'config.json': config(), 'model.weights.h5': FS.readFile('/changed.h5') as Uint8Array })
}

/** Writes the kernel of the first layer. */
const kernel = (data: Float32Array | Float64Array | string[], shape: number[]) => (file: File) =>
  void file.create_dataset({ name: KERNEL, data, shape })

const KERNEL = '/layers/dense/vars/0'

/** A model of TensorFlow.js of one layer. */
function tfjs(
  change: { layer?: object; spec?: object; bytes?: number; model?: object; files?: object } = {},
) {
  const config = {
    name: 'd',
    units: 2,
    activation: 'softmax',
    use_bias: false,
    batch_input_shape: [null, 3],
    ...change.layer,
  }
  return zipOf({
    'model.json': {
      format: 'layers-model',
      modelTopology: { class_name: 'Sequential', config: { layers: [{ class_name: 'Dense', config }] } },
      weightsManifest: [
        {
          paths: ['weights.bin'],
          weights: [{ name: 'd/kernel', shape: [3, 2], dtype: 'float32', ...change.spec }],
        },
      ],
      ...change.model,
    },
    'weights.bin': new Uint8Array(change.bytes ?? 24),
    ...change.files,
  })
}

const value = (name: string, dims: (number | string)[], elemType: number = ELEMENT.float) => ({
  name,
  type: {
    tensorType: {
      elemType,
      shape: { dim: dims.map(dim => (typeof dim === 'number' ? { dimValue: dim } : { dimParam: dim })) },
    },
  },
})
const tensor = (name: string, dims: number[], numbers: number[] | Float32Array) => ({
  name,
  dims,
  dataType: ELEMENT.float,
  rawData: new Uint8Array(Float32Array.from(numbers).buffer),
})
const GEMM = { opType: 'Gemm', name: 'g', input: ['x', 'w'], output: ['z'] }
const SOFTMAX = { opType: 'Softmax', input: ['z'], output: ['y'] }

/** A model of ONNX of one layer. */
function onnx(graph: Draft<OnnxGraph> = {}, model: Draft<OnnxModel> = {}): Buffer {
  return Buffer.from(
    encodeModel({
      opsetImport: [{ domain: '', version: 17 }],
      ...model,
      graph: {
        node: [GEMM, SOFTMAX],
        initializer: [tensor('w', [3, 2], [1, 2, 3, 4, 5, 6])],
        input: [value('x', ['N', 3])],
        output: [value('y', ['N', 2])],
        ...graph,
      },
    }),
  )
}

/** A graph whose second operator is another. */
const behind = (node: object) => onnx({ node: [GEMM, { input: ['z'], output: ['y'], ...node }] })

/** As much as a ZIP of zeros unpacks to. */
async function bomb(): Promise<Buffer> {
  const zeros = Buffer.alloc(160 * 1024 ** 2)
  return zipOf({ 'model.json': zeros, 'weights.bin': zeros })
}

/** A ZIP whose directory says that its first file is smaller than it is. */
async function lyingArchive(): Promise<Buffer> {
  const zip = await zipOf({ 'model.json': Buffer.alloc(100_000) })
  const entry = zip.indexOf(Buffer.from('PK\x01\x02', 'latin1'))
  zip.writeUInt32LE(10, entry + 24)
  return zip
}

const NAN = Number.NaN

type Make = () => Buffer | Promise<Buffer>

const FILES: [what: string, make: Make, message: RegExp, options?: ImportOptions][] = [
  // What the file is
  ['nothing', () => Buffer.alloc(0), /model of ONNX/],
  ['a text', () => Buffer.from('import os; os.system("true")'), /none of them/],
  ['a pickle', () => Buffer.from([0x80, 4, 0x95, 1, 2, 3]), /a pickle is not taken/],
  ['an HDF5 file', () => part('model.weights.h5'), /save it as \.keras/],
  ['a gzip file', () => Buffer.from([0x1f, 0x8b, 8, 0]), /as ZIP/],
  [
    'a SavedModel',
    () => zipOf({ 'saved_model.pb': 'x', 'variables/variables.index': 'y' }),
    /saved_model\.pb/,
  ],
  // The archive
  ['a truncated ZIP', () => sequential.subarray(0, sequential.length - 100), /whole ZIP file/],
  ['a ZIP with a broken file', () => flip(sequential, 40_000), /whole/],
  ['a ZIP that unpacks to too much', bomb, /268435456 bytes unpacked/],
  ['a ZIP that lies about its size', lyingArchive, /whole ZIP file/],
  ['a ZIP with a path to elsewhere', traversal, /whole ZIP file.*\.\./],
  [
    'a ZIP of too many files',
    () => zipOf(Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`f${i}`, 'x']))),
    /64 files/,
  ],
  // Keras
  ['a .keras without weights', () => zipOf({ 'config.json': config() }), /model\.weights\.h5/],
  [
    'a description that is no JSON',
    () => zipOf({ 'config.json': '{"class_name": ', 'model.weights.h5': 'x' }),
    /object of JSON/,
  ],
  [
    'weights that are no HDF5',
    () => zipOf({ 'config.json': config(), 'model.weights.h5': 'x'.repeat(99) }),
    /whole HDF5 file/,
  ],
  [
    'truncated weights',
    () => zipOf({ 'config.json': config(), 'model.weights.h5': part('model.weights.h5').subarray(0, 9_000) }),
    /HDF5|cannot be read/,
  ],
  ['a missing weight', () => weights(() => {}), /kernel of dense/],
  [
    'a weight of another shape',
    () => weights(kernel(new Float32Array(72), [6, 12])),
    /\[12, 6\] float32; received \[6,12\]|\[6, 12\]/,
  ],
  ['a weight of other numbers', () => weights(kernel(new Float64Array(72), [12, 6])), /other numbers/],
  ['a weight of texts', () => weights(kernel(Array(72).fill('cos'), [12, 6])), /other numbers/],
  [
    'a weight in another file',
    () => weights(file => void file.create_external_link('/etc/passwd', '/x', KERNEL)),
    /must hold kernel|cannot be read/,
  ],
  [
    'a weight that is not a number',
    () => weights(kernel(new Float32Array(72).fill(NAN), [12, 6])),
    /finite numbers; one is NaN/,
  ],
  [
    'a huge layer',
    () => changed(own => Object.assign(dense(own), { units: 1e9 })),
    /units must be 1 to 65536/,
  ],
  [
    'a network of too many parameters',
    () => changed(own => Object.assign(dense(own), { units: 65_536 })),
    /\[12, 65536\]/,
  ],
  [
    'a huge input',
    () => changed(own => Object.assign(own.config.layers[0].config, { batch_shape: [null, 1e5, 1e5] })),
    /1000000 features/,
  ],
  [
    'an input of unknown size',
    () => changed(own => Object.assign(own.config.layers[0].config, { batch_shape: [null, null, 3] })),
    /shape of its input/,
  ],
  [
    'a model of one’s own',
    () => changed(own => Object.assign(own, { class_name: 'Evil' })),
    /received "Evil"/,
  ],
  [
    'a layer of one’s own',
    () => changed(own => Object.assign(own.config.layers[3], { registered_name: 'mine>Dense' })),
    /one's own/,
  ],
  [
    'a layer called like a method',
    () => changed(own => Object.assign(own.config.layers[3], { class_name: 'constructor' })),
    /received "constructor"/,
  ],
  ['a nested model', () => changed(own => own.config.layers.push(config())), /received "Sequential"/],
  [
    'an unknown option',
    () => changed(own => Object.assign(dense(own), { lora_rank: 4 })),
    /"lora_rank" is not taken/,
  ],
  [
    'an unknown activation',
    () => changed(own => Object.assign(dense(own), { activation: 'mish' })),
    /received "mish"/,
  ],
  [
    'an activation that is code',
    () => changed(own => Object.assign(dense(own), { activation: { class_name: '__lambda__', config: {} } })),
    /__lambda__/,
  ],
  [
    'another axis',
    () => changed(own => Object.assign(own.config.layers[4].config, { axis: 2 })),
    /axis must be/,
  ],
  [
    'a rate above 1',
    () => changed(own => Object.assign(own.config.layers[5].config, { rate: 2 })),
    /rate must be/,
  ],
  [
    'scaling between layers',
    () => changed(own => own.config.layers.splice(4, 0, own.config.layers[1])),
    /before the first layer/,
  ],
  [
    'scaling by zero',
    () => changed(own => Object.assign(own.config.layers[1].config, { scale: 0 })),
    /other than 0/,
  ],
  [
    'a list of no layers',
    () => changed(own => Object.assign(own.config, { layers: own.config.layers.slice(0, 3) })),
    /must have a layer/,
  ],
  // TensorFlow.js
  [
    'a graph model',
    () => tfjs({ model: { format: 'graph-model' } }),
    /"layers-model"; received "graph-model"/,
  ],
  ['no topology', () => tfjs({ model: { modelTopology: null } }), /class_name/],
  ['no list of weights', () => tfjs({ model: { weightsManifest: [{ paths: 'x' }] } }), /weightsManifest/],
  ['weights that are too short', () => tfjs({ bytes: 20 }), /at least 24 bytes/],
  ['weights that are too long', () => tfjs({ bytes: 28 }), /at least 24 bytes/],
  ['a weight of a huge shape', () => tfjs({ spec: { shape: [1e6, 1e6] } }), /50000000 weights/],
  ['a weight of a negative shape', () => tfjs({ spec: { shape: [-3, 2] } }), /weightsManifest/],
  [
    'a weight that fits no layer',
    () => tfjs({ spec: { shape: [2, 3] } }),
    /must be \[3, 2\]; received \[2, 3\]/,
  ],
  [
    'a weight of another name',
    () => tfjs({ spec: { name: 'e/kernel' } }),
    /"d\/kernel" once; they hold it 0 times/,
  ],
  [
    'quantised weights',
    () => tfjs({ spec: { quantization: { dtype: 'uint8', scale: 1, min: 0 } } }),
    /not quantised/,
  ],
  ['weights as float16', () => tfjs({ spec: { dtype: 'float16' } }), /must be float32/],
  [
    'weights of a path to elsewhere',
    () => tfjs({ model: { weightsManifest: [{ paths: ['../../etc/passwd'], weights: [] }] } }),
    /"\.\.\/\.\.\/etc\/passwd" must be given/,
  ],
  [
    'a weight too many',
    () =>
      tfjs({
        layer: { units: 2, use_bias: false },
        model: {
          weightsManifest: [
            {
              paths: ['weights.bin'],
              weights: [
                { name: 'd/kernel', shape: [3, 1], dtype: 'float32' },
                { name: 'adam/m', shape: [3], dtype: 'float32' },
              ],
            },
          ],
        },
      }),
    /must be \[3, 2\]/,
  ],
  [
    'one file of weights under many names',
    () =>
      tfjs({
        model: {
          weightsManifest: [{ paths: Array.from({ length: 1_000 }, () => 'weights.bin'), weights: [] }],
        },
      }),
    /must be named once/,
  ],
  [
    'a manifest of other files',
    () => tfjs({ files: { 'manifest.json': { format: 'trainyard-model/1' } } }),
    /must be one of Trainyard/,
  ],
  // ONNX
  ['half of an ONNX file', () => onnx().subarray(0, 60), /none of them|no graph/],
  ['an unknown operator', () => behind({ opType: 'Loop' }), /received "Loop"/],
  ['an operator called like a method', () => behind({ opType: 'toString' }), /received "toString"/],
  [
    'an operator of another domain',
    () => behind({ opType: 'Softmax', domain: 'com.evil' }),
    /received "com\.evil\.Softmax"/,
  ],
  [
    'old operators',
    () => onnx({}, { opsetImport: [{ domain: '', version: 3 }] }),
    /version 7 to 25; received 3/,
  ],
  [
    'an unknown attribute',
    () => behind({ opType: 'Softmax', attribute: [{ name: 'evil', type: 2, i: 1 }] }),
    /"evil" is not taken/,
  ],
  [
    'an attribute that is a graph',
    () => behind({ opType: 'Softmax', attribute: [{ name: 'axis', type: 5 }] }),
    /a number or a text/,
  ],
  ['another slope', () => behind({ opType: 'LeakyRelu' }), /alpha must be 0.2; received 0.01/],
  [
    'two inputs',
    () => onnx({ input: [value('x', ['N', 3]), value('u', ['N', 3])] }),
    /one input; received \["x","u"\]/,
  ],
  ['no output', () => onnx({ output: [] }), /one output/],
  ['an output that nothing gives', () => onnx({ output: [value('nowhere', ['N', 2])] }), /must take "y"/],
  [
    'operators that nothing needs',
    () => onnx({ node: [GEMM, SOFTMAX, { opType: 'Relu', input: ['u'], output: ['v'] }] }),
    /Relu does not/,
  ],
  [
    'a branch',
    () =>
      onnx({
        node: [
          GEMM,
          { opType: 'Relu', input: ['z'], output: ['a'] },
          { opType: 'Add', input: ['z', 'a'], output: ['y'] },
        ],
      }),
    /one operator must take "z"/,
  ],
  ['a circle', () => onnx({ node: [{ ...GEMM, output: ['x'] }] }), /must take "x"/],
  [
    'operators in a ring',
    () =>
      onnx({
        node: [
          { opType: 'Add', input: ['x', 'one'], output: ['a'] },
          { opType: 'Mul', input: ['a', 'one'], output: ['b'] },
          { opType: 'Mul', input: ['b', 'one'], output: ['a'] },
          { opType: 'Add', input: ['x', 'one'], output: ['y'] },
        ],
        initializer: [tensor('one', [], [1])],
      }),
    /one operator must take "x"/,
  ],
  ['weights that are missing', () => onnx({ initializer: [] }), /one input|must be known/],
  [
    'weights of another shape',
    () => onnx({ initializer: [tensor('w', [2, 3], [1, 2, 3, 4, 5, 6])] }),
    /must be 3 by/,
  ],
  [
    'weights that are too few',
    () => onnx({ initializer: [tensor('w', [3, 2], [1, 2])] }),
    /hold 6 float32 numbers/,
  ],
  [
    'weights of huge dimensions',
    () => onnx({ initializer: [tensor('w', [3, 2 ** 52], [1])] }),
    /float32 numbers/,
  ],
  [
    'weights of negative dimensions',
    () => onnx({ initializer: [tensor('w', [-3, -2], [1, 2, 3, 4, 5, 6])] }),
    /must have dimensions/,
  ],
  [
    'weights in another file',
    () =>
      onnx({
        initializer: [
          {
            ...tensor('w', [3, 2], []),
            dataLocation: 1,
            externalData: [{ key: 'location', value: '/etc/passwd' }],
          },
        ],
      }),
    /in the file itself/,
  ],
  [
    'a weight without a number',
    () => onnx({ initializer: [tensor('w', [3, 2], [1, NAN, 3, 4, 5, 6])] }),
    /finite numbers/,
  ],
  ['an input of huge size', () => onnx({ input: [value('x', ['N', 1e9, 1e9])] }), /1000000 features/],
  ['an input of texts', () => onnx({ input: [value('x', ['N', 3], ELEMENT.string)] }), /float32 or uint8/],
  [
    'images with their channels first',
    () =>
      onnx({
        node: [{ opType: 'Flatten', input: ['x'], output: ['f'] }, { ...GEMM, input: ['f', 'w'] }, SOFTMAX],
        input: [value('x', ['N', 3, 5, 5])],
        initializer: [tensor('w', [75, 2], new Float32Array(150))],
      }),
    /height × width × channels/,
  ],
]

function flip(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at] = (copy[at] ?? 0) ^ 0xff
  return copy
}

/** yazl writes no such name, so it is put in afterwards. */
async function traversal(): Promise<Buffer> {
  const zip = await zipOf({ 'aa/model.json': '{}' })
  return Buffer.from(zip.toString('latin1').replaceAll('aa/model', '../model'), 'latin1')
}

const OPTIONS: [what: string, options: object, pointer: string][] = [
  ['an unknown field', { size: 3 }, '/options/size'],
  ['a task that there is not', { task: 'poetry' }, '/options/task'],
  ['too few classes', { classes: ['a', 'b'] }, '/options/classes'],
  ['classes with the same name', { classes: ['a', 'a', 'b'] }, '/options/classes'],
  ['targets of a classification', { targets: ['a'] }, '/options/targets'],
  ['classes of a regression', { task: 'regression', classes: ['a', 'b', 'c'] }, '/options/classes'],
  ['several labels without sigmoids', { task: 'multiLabel' }, '/options/task'],
  ['another size', { inputShape: [5, 3, 1] }, '/options/inputShape'],
  ['a shape of two', { inputShape: [4, 3] }, '/options/inputShape'],
  ['another format', { format: 'onnx' }, '/options/format'],
  ['an activation too many', { outputActivation: 'softmax' }, '/options/outputActivation'],
  [
    'figures that are too few',
    { preprocessing: { centers: [1], spreads: [1] } },
    '/options/preprocessing/centers',
  ],
  [
    'figures and a factor',
    { preprocessing: { scale: 1, centers: [], spreads: [] } },
    '/options/preprocessing/scale',
  ],
  [
    'arranged numbers',
    { dtype: 'float32', preprocessing: { image: { invert: true } } },
    '/options/preprocessing/image',
  ],
  ['a scaled target of a classification', { preprocessing: { target: [] } }, '/options/preprocessing/target'],
]

describe('an import is refused', () => {
  it.each(FILES)('for %s', async (_, make, message) => {
    const reading = readFilePart(await make())
    await expect(reading).rejects.toMatchObject({
      code: 'MODEL_FILE_INVALID',
      message: expect.stringMatching(message),
      errors: [{ pointer: '/file' }],
    })
    expect(FS.readdir('/').filter((name: string) => /^[0-9a-f-]{36}$/.test(name))).toEqual([])
  })

  it.each(OPTIONS)('for %s in its options', async (_, options, pointer) => {
    const read = async () => readFilePart(sequential, readImportOptions(JSON.stringify(options)))
    await expect(read()).rejects.toMatchObject({ code: 'VALIDATION_FAILED', errors: [{ pointer }] })
  })

  it('for a file beside the file', async () => {
    const files = new Map([
      ['file', sequential],
      ['model.json', Buffer.from('{}')],
    ])
    await expect(readModelFile(files, {})).rejects.toMatchObject({ code: 'MODEL_FILE_INVALID' })
  })
})

describe('what is right beside what is refused', () => {
  it('is taken: each of the files as it is without its fault', async () => {
    const same = await weights(kernel(new Float32Array(72).fill(0.5), [12, 6]))
    for (const file of [await changed(() => {}), same, await tfjs(), onnx()]) {
      const read = await readFilePart(file)
      const features = new Float32Array(read.model.input.shape.reduce((a, b) => a * b, 1))
      expect(answersOf(read, features, 1).reduce((sum, part) => sum + part)).toBeCloseTo(1, 5)
    }
  })
})
