import { sizeOf } from '../../exports/exported-model.ts'
import {
  decodeModel,
  ELEMENT,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
  type OnnxValue,
} from '../../onnx/messages.ts'
import { FEATURES_MAX } from '../limits.ts'
import type { ModelFile } from '../model-file.ts'
import { quote } from '../parse-json.ts'
import { refuse } from '../refuse.ts'
import { Attributes } from './attributes.ts'
import { Chain } from './chain.ts'
import { Constants, describe } from './constants.ts'
import { OPERATORS } from './operators.ts'

/** Versions of the operators that are understood. @see https://onnx.ai/onnx/operators */
const [OPSET_MIN, OPSET_MAX] = [7, 25]

/** Operators of a graph at most. */
const NODES_MAX = 1_000

/**
 * Reads a model of ONNX whose operators are a chain of layers. Nothing of it is run.
 * @throws {AppError} MODEL_FILE_INVALID for everything that is not understood
 */
export function readOnnx(bytes: Uint8Array): ModelFile {
  const model = decode(bytes)
  const { graph } = model
  if (!graph || model.opsetImport.length === 0)
    throw refuse('the file must be a model of ONNX; it has no graph of operators')
  if (graph.node.length > NODES_MAX)
    throw refuse(`a graph may have ${NODES_MAX} operators; this one has ${graph.node.length}`)
  const constants = new Constants(graph)
  const input = onlyOne(
    'input',
    graph.input.filter(({ name }) => !constants.has(name)),
  )
  const output = onlyOne('output', graph.output)
  const { shape, dtype } = describeInput(input)
  assertOpset(model)
  const walk = new Walk(graph, constants)
  const chain = new Chain(shape)
  walk.follow(chain, input.name ?? '', output.name ?? '')
  const { producerName, producerVersion } = model
  return {
    format: 'onnx',
    generatedBy: producerName ? `${producerName} ${producerVersion ?? ''}`.trim().slice(0, 100) : null,
    inputShape: shape,
    inputDtype: dtype,
    steps: chain.end(),
    own: null,
  }
}

function decode(bytes: Uint8Array): OnnxModel {
  try {
    return decodeModel(bytes)
  } catch {
    throw refuse(
      'the file must be a ZIP of a TensorFlow.js model, a .keras file or a model of ONNX; it is none of them',
    )
  }
}

function onlyOne(what: string, values: readonly OnnxValue[]): OnnxValue {
  const [only] = values
  if (only && values.length === 1) return only
  throw refuse(`a model must have one ${what}; received ${quote(values.map(({ name }) => name))}`)
}

function describeInput({ name, type }: OnnxValue): { shape: number[]; dtype: 'uint8' | 'float32' } {
  const { elemType, shape } = type?.tensorType ?? {}
  const [, ...features] = shape?.dim.map(({ dimValue = 0 }) => dimValue) ?? []
  const isShape = features.length > 0 && features.every(length => Number.isSafeInteger(length) && length > 0)
  if (!isShape || sizeOf(features) > FEATURES_MAX) {
    throw refuse(
      `the input ${quote(name)} must be a batch of at most ${FEATURES_MAX} features each; received ${quote(features)}`,
    )
  }
  if (elemType !== ELEMENT.float && elemType !== ELEMENT.uint8) {
    throw refuse(`the input ${quote(name)} must be float32 or uint8; received the type ${elemType}`)
  }
  return { shape: features, dtype: elemType === ELEMENT.uint8 ? 'uint8' : 'float32' }
}

function assertOpset({ opsetImport }: OnnxModel): void {
  const version = opsetImport.find(({ domain = '' }) => isStandard(domain))?.version ?? 0
  if (version >= OPSET_MIN && version <= OPSET_MAX) return
  throw refuse(`the operators must be of version ${OPSET_MIN} to ${OPSET_MAX}; received ${version}`)
}

function isStandard(domain: string): boolean {
  return domain === '' || domain === 'ai.onnx'
}

/** Follows what becomes of the input, operator by operator. */
class Walk {
  readonly #waiting: Set<OnnxNode>
  readonly #constants: Constants

  constructor({ node }: OnnxGraph, constants: Constants) {
    this.#waiting = new Set(node.filter(({ opType }) => opType !== 'Constant'))
    this.#constants = constants
    for (const { domain = '', opType } of node) {
      if (!isStandard(domain))
        throw refuse(`operators must be those of ONNX itself; received ${quote(`${domain}.${opType}`)}`)
    }
  }

  follow(chain: Chain, input: string, output: string): void {
    let value = input
    while (value !== output) value = this.#step(chain, value)
    const [left] = this.#waiting
    if (left)
      throw refuse(`every operator must stand between the input and the output; ${describe(left)} does not`)
  }

  /** @returns the next value */
  #step(chain: Chain, value: string): string {
    const readers = [...this.#waiting].filter(({ input }) => input.includes(value))
    const [reader] = readers
    if (!reader) throw refuse(`an operator must take ${quote(value)}, or it must be the output`)
    if (readers.length === 1) {
      this.#take(chain, reader, value)
      return outputOf(reader)
    }
    return (
      this.#takeSilu(chain, value, readers) ??
      this.#takeComplement(chain, value, readers) ??
      refuseBranch(value, readers)
    )
  }

  #take(chain: Chain, node: OnnxNode, value: string): void {
    const { opType = '' } = node
    const add = Object.hasOwn(OPERATORS, opType) ? OPERATORS[opType] : undefined
    if (!add)
      throw refuse(`operators must be ${Object.keys(OPERATORS).join(', ')}; received ${quote(opType)}`)
    const attributes = new Attributes(node)
    const place = node.input.indexOf(value)
    if (node.input.lastIndexOf(value) !== place) throw refuse(`${describe(node)} must take its input once`)
    add({ node, place, constants: this.#constants, attributes, chain })
    attributes.end()
    this.#waiting.delete(node)
  }

  /** x · σ(x). */
  #takeSilu(chain: Chain, value: string, readers: readonly OnnxNode[]): string | null {
    const gate = readers.find(({ opType }) => opType === 'Sigmoid')
    const product = readers.find(({ opType }) => opType === 'Mul')
    if (readers.length !== 2 || !gate || !product) return null
    if (![...product.input].sort().every((name, index) => name === [value, outputOf(gate)].sort()[index]))
      return null
    chain.activation(describe(product), 'silu')
    this.#waiting.delete(gate)
    this.#waiting.delete(product)
    return outputOf(product)
  }

  /** [1 − y, y] of one unit: the probabilities of two classes. */
  #takeComplement(chain: Chain, value: string, readers: readonly OnnxNode[]): string | null {
    const join = readers.find(({ opType }) => opType === 'Concat')
    const first = readers.find(({ opType }) => opType !== 'Concat')
    if (readers.length !== 2 || !join || !first || chain.unitsFor(describe(join)) !== 1) return null
    const side = new Chain([1])
    let name = value
    for (let node: OnnxNode | undefined = first; node && node !== join; ) {
      this.#take(side, node, name)
      name = outputOf(node)
      node = [...this.#waiting].find(({ input }) => input.includes(name))
    }
    const attributes = new Attributes(join)
    attributes.only('axis', attributes.int('axis', 0), 1, -1)
    if (join.input.join('\n') !== [name, value].join('\n') || !isComplement(side)) return null
    chain.complement(describe(join))
    this.#waiting.delete(join)
    return outputOf(join)
  }
}

function isComplement(side: Chain): boolean {
  let [scale, shift] = [1, 0]
  for (const step of side.end()) {
    if (step.kind !== 'affine') return false
    const [own = 0, offset = 0] = [step.scale[0], step.shift[0]]
    scale *= own
    shift = shift * own + offset
  }
  return scale === -1 && shift === 1
}

function outputOf({ output, opType }: OnnxNode): string {
  const [name, ...others] = output
  if (name && others.every(other => other === '')) return name
  throw refuse(`${opType} must have one output; received ${quote(output)}`)
}

function refuseBranch(value: string, readers: readonly OnnxNode[]): never {
  throw refuse(`one operator must take ${quote(value)}; received ${readers.map(describe).join(', ')}`)
}
