import { describe, expect, it } from 'vitest'
import { Graph } from '../../../src/mlp/graph.ts'
import { createInterpreter } from '../../../src/mlp/interpreter.ts'
import type { BinaryKind, Dimension, UnaryKind, Value } from '../../../src/mlp/operations.ts'

type Operand = readonly [shape: readonly Dimension[], numbers: readonly number[]]

/** Writes operations on some operands, runs them on `batch` examples, and gives the numbers of each result. */
function run(batch: number, operands: readonly Operand[], write: (graph: Graph, values: Value[]) => Value[]) {
  const graph = new Graph()
  const values = operands.map(([shape]) => graph.value(shape))
  const { operations, result } = graph.collect(() => write(graph, values))
  const interpreter = createInterpreter(graph.valueCount, Float64Array)
  values.forEach((value, index) => {
    interpreter.set(value, Float64Array.from(operands[index]?.[1] ?? []))
  })
  interpreter.run(operations, batch)
  return result.map(value => Array.from(interpreter.get(value)))
}

/** The operands that an operation has, all there. */
function pair([a, b]: Value[]): [Value, Value] {
  if (!a || !b) throw new Error('two operands are needed')
  return [a, b]
}

function unary(kind: UnaryKind, numbers: readonly number[], units = numbers.length): number[] {
  const [result] = run(numbers.length / units, [[['batch', units], numbers]], (graph, values) =>
    values.map(x => graph.unary(kind, x)),
  )
  return result ?? []
}

function binary(kind: BinaryKind, a: Operand, b: Operand): number[] {
  const [result] = run(2, [a, b], (graph, values) => [graph.binary(kind, ...pair(values))])
  return result ?? []
}

describe('functions of one tensor', () => {
  it.each([
    ['relu', [-2, 0, 3], [0, 0, 3]],
    ['sigmoid', [0, Math.log(3), -Math.log(3)], [1 / 2, 3 / 4, 1 / 4]],
    ['tanh', [0, Math.log(2)], [0, 3 / 5]], // (2 − 1/2) / (2 + 1/2)
    ['softplus', [0, Math.log(3), 1_000], [Math.log(2), Math.log(4), 1_000]],
    ['abs', [-2, 0, 3], [2, 0, 3]],
    ['square', [-2, 0, 3], [4, 0, 9]],
    ['elu', [-Math.log(2), 0, 3, -1e-20], [-1 / 2, 0, 3, -1e-20]],
    // λ α / 2 of the paper's λ = 1.0507 and α = 1.67326
    ['selu', [-Math.log(2), 0, 2], [-0.8790496704236883, 0, 2.101401974710961]],
    ['erf', [0, 1, -1], [0, 0.8427007929497149, -0.8427007929497149]],
    ['exp', [0, Math.log(3)], [1, 3]],
    ['log', [1, Math.E ** 2], [0, 2]],
    ['sqrt', [0, 9], [0, 3]],
    ['sign', [-2, 0, 3], [-1, 0, 1]],
  ] as const)('%s of %j is %j', (kind, x, expected) => {
    unary(kind, x).forEach((y, index) => {
      expect(y).toBeCloseTo(expected[index] ?? Number.NaN, 14)
    })
  })

  it('softmax works along each row', () => {
    const y = unary('softmax', [0, Math.log(3), 5, 5], 2)
    expect(y.map(number => Number(number.toFixed(12)))).toEqual([0.25, 0.75, 0.5, 0.5])
  })

  it('softmax is exact for logits of ±10000', () => {
    expect(unary('softmax', [1e4, 1e4, -1e4, -1e4], 4)).toEqual([0.5, 0.5, 0, 0])
  })

  it.each(['relu', 'elu', 'selu', 'softplus', 'erf', 'exp', 'log', 'sqrt', 'abs', 'sign'] as const)(
    '%s lets NaN through, so that a lost training shows',
    kind => {
      expect(unary(kind, [Number.NaN])).toEqual([Number.NaN])
    },
  )
})

describe('functions of two tensors', () => {
  const a = [
    ['batch', 2],
    [1, 2, 3, 4],
  ] as const
  it.each([
    ['add', [11, 22, 33, 44]],
    ['subtract', [-9, -18, -27, -36]],
    ['multiply', [10, 40, 90, 160]],
    ['divide', [0.1, 0.1, 0.1, 0.1]],
  ] as const)('%s goes element by element', (kind, expected) => {
    expect(
      binary(kind, a, [
        ['batch', 2],
        [10, 20, 30, 40],
      ]),
    ).toEqual(expected)
  })

  it.each([
    ['power', [1, 4, 1 / 3, 2]],
    ['maximum', [3, 2, 3, 4]],
    ['minimum', [1, 2, -1, 0.5]],
  ] as const)('%s goes element by element', (kind, expected) => {
    expect(
      binary(kind, a, [
        ['batch', 2],
        [3, 2, -1, 0.5],
      ]),
    ).toEqual(expected)
  })

  it('repeats a scalar, a row over its examples, and a column over its row', () => {
    expect(binary('multiply', a, [[], [10]])).toEqual([10, 20, 30, 40])
    expect(binary('add', a, [[2], [10, 20]])).toEqual([11, 22, 13, 24])
    expect(binary('divide', [[4], [2, 4, 6, 8]], [[], [2]])).toEqual([1, 2, 3, 4])
    expect(
      binary('subtract', a, [
        ['batch', 1],
        [1, 2],
      ]),
    ).toEqual([0, 1, 1, 2])
  })

  it('gradients are those of the function at its result', () => {
    const gradient = [
      ['batch', 2],
      [10, 10, 10, 10],
    ] as const
    expect(
      binary('reluGradient', gradient, [
        ['batch', 2],
        [0, 1, 2, 0],
      ]),
    ).toEqual([0, 10, 10, 0])
    expect(
      binary('sigmoidGradient', gradient, [
        ['batch', 2],
        [0.5, 0, 1, 0.5],
      ]),
    ).toEqual([2.5, 0, 0, 2.5])
    expect(
      binary('tanhGradient', gradient, [
        ['batch', 2],
        [0.5, 0, 1, -0.5],
      ]),
    ).toEqual([7.5, 10, 0, 7.5])
    expect(
      binary('eluGradient', gradient, [
        ['batch', 2],
        [2, 0, -0.5, -1],
      ]),
    ).toEqual([10, 10, 5, 0])
    // λ where y > 0, and where z → −∞, y = −λ α and the slope 0
    const selu = binary('seluGradient', gradient, [
      ['batch', 2],
      [2, 0, -1.7580993408473766, 0.1],
    ])
    expect(selu.map(number => Number(number.toFixed(9)))).toEqual([
      10.507009874, 17.580993408, 0, 10.507009874,
    ])
  })
})

describe('matrices', () => {
  const square = [1, 2, 3, 4]
  const other = [5, 6, 7, 8]
  it.each([
    [{}, [19, 22, 43, 50]],
    [{ a: true }, [26, 30, 38, 44]],
    [{ b: true }, [17, 23, 39, 53]],
    [{ a: true, b: true }, [23, 31, 34, 46]],
  ])('are multiplied with the transposition %j', (transpose, expected) => {
    const operands = [
      [[2, 2], square],
      [[2, 2], other],
    ] as const
    expect(run(2, operands, (graph, values) => [graph.matMul(...pair(values), transpose)])).toEqual([
      expected,
    ])
  })

  it('need not be square', () => {
    // [1 2 3] · [[1 0] [0 1] [1 1]] = [4 5]
    const operands = [
      [
        ['batch', 3],
        [1, 2, 3],
      ],
      [
        [3, 2],
        [1, 0, 0, 1, 1, 1],
      ],
    ] as const
    expect(run(1, operands, (graph, values) => [graph.matMul(...pair(values))])).toEqual([[4, 5]])
  })

  it('are summed over examples, over units and over all, and get a bias', () => {
    const operands = [
      [['batch', 2], square],
      [[2], [10, 20]],
    ] as const
    const results = run(2, operands, (graph, values) => {
      const [x, bias] = pair(values)
      return [
        graph.sumExamples(x),
        graph.sumUnits(x),
        graph.meanUnits(x),
        graph.sumAll(x),
        graph.add(x, bias),
      ]
    })
    expect(results).toEqual([[4, 6], [3, 7], [1.5, 3.5], [10], [11, 22, 13, 24]])
  })
})

describe('values', () => {
  it('may be constants, keep their numbers in another shape, and are the total of all there is', () => {
    const results = run(
      2,
      [
        [
          ['batch', 2],
          [1, 2, 3, 4],
        ],
      ],
      (graph, values) => values.flatMap(x => [graph.constant(7), graph.reshape(x, [4]), graph.total(x)]),
    )
    expect(results).toEqual([[7], [1, 2, 3, 4], [1, 2, 3, 4]])
  })

  it('are scaled and shifted, and left as they are by 1 and 0', () => {
    const results = run(2, [[['batch'], [1, 2]]], (graph, values) =>
      values.flatMap(x => [graph.scale(x, 3), graph.shift(x, 3)]),
    )
    expect(results).toEqual([
      [3, 6],
      [4, 5],
    ])
    const graph = new Graph()
    const x = graph.value([])
    expect(graph.collect(() => [graph.scale(x, 1), graph.shift(x, 0)])).toEqual({
      operations: [],
      result: [x, x],
    })
  })

  it('are assigned to a variable, which keeps its place in memory', () => {
    const graph = new Graph()
    const [variable, x] = [graph.value([2]), graph.value([2])]
    const { operations } = graph.collect(() => graph.assign(variable, graph.add(variable, x)))
    const interpreter = createInterpreter(graph.valueCount, Float64Array)
    const kept = Float64Array.of(1, 2)
    interpreter.set(variable, kept)
    interpreter.set(x, Float64Array.of(10, 20))
    interpreter.run(operations, 1)
    interpreter.run(operations, 1)
    expect(kept).toEqual(Float64Array.of(21, 42))
  })

  it('may be a mask of dropout, which is the seed’s, the layer’s and the step’s', () => {
    const maskOf = (seed: number, stream: string, at: number) => {
      const graph = new Graph()
      const [step, output] = [graph.value([], 'int32'), graph.value(['batch', 8])]
      const interpreter = createInterpreter(graph.valueCount, Float64Array, seed)
      interpreter.set(step, Float64Array.of(at))
      interpreter.run([{ kind: 'dropoutMask', rate: 0.75, stream, step, output }], 20)
      return Array.from(interpreter.get(output))
    }
    const mask = maskOf(1, 'a', 1)
    expect(mask).toHaveLength(160)
    expect([...new Set(mask)].sort()).toEqual([0, 4])
    expect(maskOf(1, 'a', 1)).toEqual(mask)
    for (const other of [maskOf(2, 'a', 1), maskOf(1, 'b', 1), maskOf(1, 'a', 2)]) {
      expect(other).not.toEqual(mask)
    }
  })
})

describe('labels', () => {
  it('are looked up in a table', () => {
    const graph = new Graph()
    const [labels, output] = [graph.value(['batch'], 'int32'), graph.value(['batch'])]
    const interpreter = createInterpreter(graph.valueCount, Float64Array)
    interpreter.set(labels, Float64Array.of(2, 0, 2))
    interpreter.run([{ kind: 'lookUp', labels, table: [0.5, 1, 3], output }], 3)
    expect(Array.from(interpreter.get(output))).toEqual([3, 0.5, 3])
  })

  it('become one-hot rows, or the number itself for one unit', () => {
    const results = run(2, [[['batch'], [1, 0]]], (graph, values) =>
      values.flatMap(({ id, shape }) => {
        const labels = { id, shape, dtype: 'int32' as const }
        return [graph.targets(labels, 3), graph.targets(labels, 1)]
      }),
    )
    expect(results).toEqual([
      [0, 1, 0, 1, 0, 0],
      [1, 0],
    ])
  })

  it('that are numbers are what the units should give', () => {
    const graph = new Graph()
    const numbers = graph.value(['batch', 2])
    expect(graph.targets(numbers, 2)).toBe(numbers)
  })

  const crossEntropy = (logits: readonly number[], labels: readonly number[]) => {
    const operands = [
      [['batch', 2], logits],
      [['batch'], labels],
    ] as const
    return run(labels.length, operands, (graph, values) => {
      const [z, classes] = pair(values)
      const [output, gradient] = [graph.value(['batch']), graph.value(['batch', 2])]
      graph.emit({
        kind: 'softmaxCrossEntropy',
        logits: z,
        labels: classes,
        output,
        outputGradient: gradient,
      })
      return [output, gradient]
    })
  }

  it('meet logits in the cross-entropy, whose gradient is softmax minus one-hot', () => {
    const [losses, gradient] = crossEntropy([0, Math.log(3), 0, 0], [0, 1])
    // −log 1/4 and −log 1/2
    expect(losses?.[0]).toBeCloseTo(Math.log(4), 14)
    expect(losses?.[1]).toBeCloseTo(Math.log(2), 14)
    expect(gradient?.map(number => Number(number.toFixed(12)))).toEqual([-0.75, 0.75, 0.5, -0.5])
  })

  it('meet logits of ±10000 without overflow', () => {
    expect(crossEntropy([1e4, -1e4, 1e4, -1e4], [0, 1])).toEqual([
      [0, 2e4],
      [0, 0, 1, -1],
    ])
  })
})

it('a value that was never made cannot be read', () => {
  const graph = new Graph()
  const value = graph.value([])
  expect(() => createInterpreter(graph.valueCount, Float32Array).get(value)).toThrow('read before it is made')
})
