import { readFile } from 'node:fs/promises'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { describe, expect, it } from 'vitest'
import { createRandom } from '../../../../src/mlp/random.ts'
import type { ImportOptions } from '../../../../src/models/imports/options.ts'
import {
  type Draft,
  ELEMENT,
  encodeModel,
  type OnnxNode,
  type OnnxTensor,
} from '../../../../src/models/onnx/messages.ts'
import { answersOf, readFilePart } from '../../../helpers/imported-models.ts'

const COUNT = 6
const random = createRandom(4, 'numbers')

const tensor = (name: string, dims: number[], numbers?: number[]): Draft<OnnxTensor> => {
  const length = dims.reduce((product, dimension) => product * dimension, 1)
  const drawn = Float32Array.from(numbers ?? Array.from({ length }, () => random.normal()))
  return { name, dims, dataType: ELEMENT.float, rawData: new Uint8Array(drawn.buffer) }
}
const integers = (name: string, numbers: number[]): Draft<OnnxTensor> => ({
  name,
  dims: [numbers.length],
  dataType: ELEMENT.int64,
  int64Data: numbers,
})
const node = (
  opType: string,
  input: string[],
  output: string,
  attributes: Record<string, number | string> = {},
): Draft<OnnxNode> => ({
  opType,
  input,
  output: [output],
  attribute: Object.entries(attributes).map(([name, value]) =>
    typeof value === 'string'
      ? { name, type: 3, s: Buffer.from(value) }
      : Number.isInteger(value)
        ? { name, type: 2, i: value }
        : { name, type: 1, f: value },
  ),
})
const value = (name: string, dims: number[], elemType: number = ELEMENT.float) => ({
  name,
  type: {
    tensorType: { elemType, shape: { dim: [{ dimParam: 'N' }, ...dims.map(dimValue => ({ dimValue }))] } },
  },
})

interface Case {
  nodes: Draft<OnnxNode>[]
  initializers: Draft<OnnxTensor>[]
  /** Shape of an example; 3 features unless said otherwise. */
  shape?: number[]
  units?: number
  options?: ImportOptions
}

/** As exporters of other programs write the same things. */
const CASES: Record<string, Case> = {
  'a product and a sum, as scikit-learn and Keras have it': {
    nodes: [
      node('MatMul', ['x', 'w'], 'p'),
      node('Add', ['p', 'b'], 'z'),
      node('Relu', ['z'], 'h'),
      node('MatMul', ['h', 'v'], 'q'),
      node('Add', ['c', 'q'], 'l'),
      node('Softmax', ['l'], 'y', { axis: -1 }),
    ],
    initializers: [tensor('w', [3, 4]), tensor('b', [4]), tensor('v', [4, 2]), tensor('c', [1, 2])],
  },
  'transposed weights, as PyTorch has them': {
    nodes: [
      node('Flatten', ['x'], 'f', { axis: 1 }),
      node('Gemm', ['f', 'w', 'b'], 'z', { transB: 1 }),
      node('Sigmoid', ['z'], 'y'),
    ],
    initializers: [tensor('w', [2, 6]), tensor('b', [2])],
    shape: [1, 2, 3],
  },
  'gates that are written out': {
    nodes: [
      node('Gemm', ['x', 'w'], 'z'),
      node('Sigmoid', ['z'], 's'),
      node('Mul', ['s', 'z'], 'h'),
      node('Gemm', ['h', 'v'], 'y'),
    ],
    initializers: [tensor('w', [3, 5]), tensor('v', [5, 2])],
  },
  'gelu, written out in several orders': {
    nodes: [
      node('Gemm', ['x', 'w'], 'z'),
      node('Div', ['z', 'root'], 'd'),
      node('Erf', ['d'], 'e'),
      node('Add', ['e', 'one'], 'p'),
      node('Mul', ['z', 'p'], 'q'),
      node('Mul', ['q', 'half'], 'g'),
      node('Gemm', ['g', 'v'], 't'),
      node('Mul', ['t', 'rootInverse'], 'u'),
      node('Mul', ['half', 't'], 'h'),
      node('Erf', ['u'], 'f'),
      node('Add', ['one', 'f'], 's'),
      node('Mul', ['h', 's'], 'y'),
    ],
    initializers: [
      tensor('w', [3, 5]),
      tensor('v', [5, 2]),
      tensor('root', [], [Math.SQRT2]),
      tensor('rootInverse', [1], [Math.SQRT1_2]),
      tensor('one', [], [1]),
      tensor('half', [], [0.5]),
    ],
  },
  'figures of the features in many forms': {
    nodes: [
      node('Sub', ['x', 'mean'], 'a'),
      node('Div', ['a', 'deviation'], 'c'),
      node('Mul', ['two', 'c'], 'd'),
      node('Add', ['d', 'one'], 'e'),
      node('Reshape', ['e', 'shape'], 'f'),
      node('Gemm', ['f', 'w'], 'y'),
    ],
    initializers: [
      tensor('mean', [3, 1, 1]),
      tensor('deviation', [1, 1, 2, 2], [1, 2, 3, 4]),
      tensor('two', [], [2]),
      tensor('one', [1], [1]),
      integers('shape', [-1, 12]),
      tensor('w', [12, 2]),
    ],
    shape: [3, 2, 2],
    options: { inputShape: [12] },
  },
  'a difference the other way round': {
    nodes: [node('Sub', ['one', 'x'], 'a'), node('Gemm', ['a', 'w'], 'z'), node('Sub', ['one', 'z'], 'y')],
    initializers: [tensor('one', [1], [1]), tensor('w', [3, 2])],
  },
  'normalisations, constants and what does nothing': {
    nodes: [
      { ...node('Constant', [], 'w'), attribute: [{ name: 'value', type: 4, t: tensor('', [3, 4]) }] },
      node('Cast', ['x'], 'i', { to: ELEMENT.float }),
      node('Gemm', ['i', 'w', 'scalar'], 'z'),
      node('BatchNormalization', ['z', 'gamma', 'beta', 'mean', 'variance'], 'n', {
        epsilon: 0.01,
        momentum: 0.8,
      }),
      node('LeakyRelu', ['n'], 'h', { alpha: 0.2 }),
      node('Dropout', ['h'], 'd'),
      node('LayerNormalization', ['d', 'gamma'], 'm', { axis: -1, epsilon: 0.1 }),
      node('Identity', ['m'], 'o'),
      node('Gemm', ['o', 'v'], 'y'),
    ],
    initializers: [
      tensor('scalar', [1], [0.5]),
      tensor('gamma', [4]),
      tensor('beta', [4]),
      tensor('mean', [4]),
      tensor('variance', [4], [1, 2, 3, 4]),
      tensor('v', [4, 2]),
    ],
  },
  'a bias behind a bias': {
    nodes: [node('Gemm', ['x', 'w', 'b'], 'z'), node('Add', ['z', 'b'], 'a'), node('Identity', ['a'], 'y')],
    initializers: [tensor('w', [3, 2]), tensor('b', [2])],
  },
}

describe('a model of ONNX answers as in onnxruntime', () => {
  it.each(Object.entries(CASES))(
    'with %s',
    async (_, { nodes, initializers, shape = [3], units = 2, options }) => {
      const bytes = encodeModel({
        irVersion: 8,
        producerName: 'a test',
        opsetImport: [{ domain: '', version: 17 }],
        graph: {
          name: 'g',
          node: nodes,
          initializer: initializers,
          input: [value('x', shape)],
          output: [value('y', [units])],
        },
      })
      const size = shape.reduce((product, length) => product * length, 1)
      const features = Float32Array.from({ length: COUNT * size }, () => random.normal())
      const session = await InferenceSession.create(bytes, { intraOpNumThreads: 1, logSeverityLevel: 3 })
      const { y } = await session.run({ x: new Tensor(features, [COUNT, ...shape]) })
      const wanted = y?.data as Float32Array
      const read = await readFilePart(bytes, options)
      const answers = answersOf(read, features, COUNT)
      expect(answers).toHaveLength(COUNT * units)
      for (const [index, number] of wanted.entries()) expect(answers[index]).toBeCloseTo(number, 4)
      expect(read.imported).toMatchObject({ format: 'onnx', generatedBy: 'a test' })
    },
  )

  it.each(['pytorch', 'pytorch-legacy'])('and as in PyTorch, which wrote %s.onnx', async name => {
    const fileOf = (file: string) => readFile(new URL(`../../../reference/imports/${file}`, import.meta.url))
    const { inputs, outputs } = JSON.parse((await fileOf('pytorch.json')).toString())
    const read = await readFilePart(await fileOf(`${name}.onnx`))
    const answers = answersOf(read, Float32Array.from(inputs.flat()), inputs.length)
    expect(answers).toHaveLength(outputs.flat().length)
    for (const [index, number] of outputs.flat().entries()) expect(answers[index]).toBeCloseTo(number, 6)
    expect(read.model).toMatchObject({ kind: 'classification', input: { shape: [4, 3, 1] } })
    expect(read.imported.generatedBy).toContain('pytorch 2.15.0')
  })

  it('and keeps the activation of a layer in the layer', async () => {
    const { nodes, initializers } = CASES['a product and a sum, as scikit-learn and Keras have it'] as Case
    const graph = {
      node: nodes,
      initializer: initializers,
      input: [value('x', [3])],
      output: [value('y', [2])],
    }
    const { model } = await readFilePart(encodeModel({ opsetImport: [{ version: 17 }], graph }))
    expect(model.network.layers).toMatchObject([
      { type: 'dense', units: 4, activation: 'relu', useBias: true },
      { type: 'dense', units: 2, activation: 'softmax', useBias: true },
    ])
    expect(model.kind).toBe('classification')
  })

  it('and takes logits for classes when it is told how', async () => {
    const { nodes, initializers } = CASES['gates that are written out'] as Case
    const graph = {
      node: nodes,
      initializer: initializers,
      input: [value('x', [3])],
      output: [value('y', [2])],
    }
    const bytes = encodeModel({ opsetImport: [{ version: 17 }], graph })
    await expect(readFilePart(bytes, { task: 'classification' })).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
      message: expect.stringContaining('outputActivation'),
    })
    const read = await readFilePart(bytes, { classes: ['no', 'yes'], outputActivation: 'softmax' })
    const [no = 0, yes = 0] = answersOf(read, Float32Array.of(1, 2, 3), 1)
    expect(no + yes).toBeCloseTo(1, 6)
    expect(read.model).toMatchObject({ kind: 'classification', classes: ['no', 'yes'] })
  })
})
