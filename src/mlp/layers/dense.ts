import { Type } from 'typebox'
import { ACTIVATIONS, ActivationSchema } from '../activations/registry.ts'
import type { Graph } from '../graph.ts'
import { InitializerSchema, initializeKernel } from '../initializers.ts'
import type { Block } from './block.ts'

/** A fully connected layer as a request gives it. */
export const DenseSchema = Type.Object(
  {
    type: Type.Literal('dense'),
    units: Type.Integer({ minimum: 1, maximum: 65_536, description: 'Outputs of the layer.' }),
    activation: Type.Optional(ActivationSchema),
    kernelInitializer: Type.Optional(InitializerSchema),
  },
  { additionalProperties: false, title: 'Dense layer' },
)

/** A fully connected layer with its defaults filled in. */
export type Dense = Required<Type.Static<typeof DenseSchema>>

/**
 * Fills in Keras's defaults: no activation, Glorot uniform.
 * @see keras/src/layers/core/dense.py
 */
export function resolveDense(layer: Type.Static<typeof DenseSchema>): Dense {
  return {
    type: 'dense',
    units: layer.units,
    activation: layer.activation ?? 'linear',
    kernelInitializer: layer.kernelInitializer ?? 'glorotUniform',
  }
}

/** Weights and biases of the layer. */
export function countDenseParameters(layer: Dense, inputUnits: number): number {
  return (inputUnits + 1) * layer.units
}

/**
 * Declares the layer's variables and gives its two blocks: the affine map, then the activation.
 * @param name - unique in the network: `dense_1`
 */
export function buildDense(graph: Graph, name: string, layer: Dense, inputUnits: number): [Block, Block] {
  return [buildAffine(graph, name, layer, inputUnits), buildActivation(layer)]
}

/**
 * z = x·W + b with W `[inputUnits, units]` and b `[units]`, at first zero. Back: ∂L/∂W = xᵀ·δ, ∂L/∂b = Σ δ over
 * the examples, ∂L/∂x = δ·Wᵀ, for δ = ∂L/∂z.
 * @see Nielsen, "Neural Networks and Deep Learning" (2015), chapter 2, BP2–BP4
 */
function buildAffine(graph: Graph, name: string, layer: Dense, inputUnits: number): Block {
  const kernel = graph.variable({
    name: `${name}/kernel`,
    role: 'weight',
    shape: [inputUnits, layer.units],
    initialize: random => initializeKernel(layer.kernelInitializer, random, inputUnits, layer.units),
  })
  const bias = graph.variable({
    name: `${name}/bias`,
    role: 'weight',
    shape: [layer.units],
    initialize: () => new Float32Array(layer.units),
  })
  return {
    forward: (at, x) => ({
      output: at.addBias(at.matMul(x, kernel.value), bias.value),
      backward: (gradient, wantsInput) => ({
        variables: [
          { variable: kernel, gradient: at.matMul(x, gradient, { a: true }) },
          { variable: bias, gradient: at.sumExamples(gradient) },
        ],
        input: wantsInput ? at.matMul(gradient, kernel.value, { b: true }) : null,
      }),
    }),
  }
}

/** y = f(z). Back: ∂L/∂z = ∂L/∂y ⊙ f′(z). */
function buildActivation(layer: Dense): Block {
  const activation = ACTIVATIONS[layer.activation]
  return {
    forward(at, z) {
      const y = activation.forward(at, z)
      return {
        output: y,
        backward: gradient => ({ input: activation.backward(at, gradient, y), variables: [] }),
      }
    },
  }
}
