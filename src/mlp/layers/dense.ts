import { Type } from 'typebox'
import { type ActivationName, ActivationSchema } from '../activations/registry.ts'
import type { Graph, Regularizer } from '../graph.ts'
import { type Initializer, InitializerSchema, initialize } from '../initializers.ts'
import { RegularizerSchema, resolveRegularizer } from '../regularizer.ts'
import { activationBlock } from './activation.ts'
import type { Block } from './block.ts'
import type { LayerKind } from './layer.ts'
import { type Freezable, resolveTrainable, trainableProperty, weightRole } from './trainable.ts'

const Schema = Type.Object(
  {
    type: Type.Literal('dense'),
    units: Type.Integer({ minimum: 1, maximum: 65_536, description: 'Outputs of the layer.' }),
    activation: Type.Optional(ActivationSchema),
    useBias: Type.Optional(Type.Boolean({ description: 'Default: true.' })),
    kernelInitializer: Type.Optional(InitializerSchema),
    biasInitializer: Type.Optional(InitializerSchema),
    kernelRegularizer: Type.Optional(RegularizerSchema),
    biasRegularizer: Type.Optional(RegularizerSchema),
    ...trainableProperty,
  },
  { additionalProperties: false, title: 'Dense layer' },
)

/** A fully connected layer with its defaults filled in. */
export interface Dense extends Freezable {
  type: 'dense'
  units: number
  activation: ActivationName
  useBias: boolean
  kernelInitializer: Initializer
  biasInitializer: Initializer
  kernelRegularizer?: Regularizer
  biasRegularizer?: Regularizer
}

/**
 * The affine map, then the activation. Defaults: no activation, a bias of zeros, a kernel by Glorot uniform.
 * @see keras/src/layers/core/dense.py
 */
export const dense: LayerKind<typeof Schema, Dense> = {
  schema: Schema,
  resolve: request => ({
    type: 'dense',
    units: request.units,
    activation: request.activation ?? 'linear',
    useBias: request.useBias ?? true,
    kernelInitializer: request.kernelInitializer ?? 'glorotUniform',
    biasInitializer: request.biasInitializer ?? 'zeros',
    ...(request.kernelRegularizer && { kernelRegularizer: resolveRegularizer(request.kernelRegularizer) }),
    ...(request.biasRegularizer && { biasRegularizer: resolveRegularizer(request.biasRegularizer) }),
    ...resolveTrainable(request),
  }),
  units: ({ units }) => units,
  countParameters: ({ units, useBias }, inputUnits) => (inputUnits + (useBias ? 1 : 0)) * units,
  build: (graph, name, layer, inputUnits) => [
    buildAffine(graph, name, layer, inputUnits),
    activationBlock(layer.activation),
  ],
}

/**
 * z = x·W + b with W `[inputUnits, units]` and b `[units]`. Back: ∂L/∂W = xᵀ·δ, ∂L/∂b = Σ δ over the examples,
 * ∂L/∂x = δ·Wᵀ, for δ = ∂L/∂z.
 * @see Nielsen, "Neural Networks and Deep Learning" (2015), chapter 2, BP2–BP4
 */
function buildAffine(graph: Graph, name: string, layer: Dense, inputUnits: number): Block {
  const role = weightRole(layer)
  const kernel = graph.variable({
    name: `${name}/kernel`,
    role,
    shape: [inputUnits, layer.units],
    ...(layer.kernelRegularizer && { regularizer: layer.kernelRegularizer }),
    initialize: random => initialize(layer.kernelInitializer, random, [inputUnits, layer.units]),
  })
  const bias = layer.useBias
    ? graph.variable({
        name: `${name}/bias`,
        role,
        shape: [layer.units],
        ...(layer.biasRegularizer && { regularizer: layer.biasRegularizer }),
        initialize: random => initialize(layer.biasInitializer, random, [layer.units]),
      })
    : null
  return {
    isTrained: role === 'weight',
    forward(at, x) {
      const product = at.matMul(x, kernel.value)
      return {
        output: bias ? at.add(product, bias.value) : product,
        backward: (gradient, wantsInput) => ({
          variables:
            role === 'frozen'
              ? []
              : [
                  { variable: kernel, gradient: at.matMul(x, gradient, { a: true }) },
                  ...(bias ? [{ variable: bias, gradient: at.sumExamples(gradient) }] : []),
                ],
          input: wantsInput ? at.matMul(gradient, kernel.value, { b: true }) : null,
        }),
      }
    },
  }
}
