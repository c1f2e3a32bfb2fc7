import { Type } from 'typebox'
import type { Activation } from './activation.ts'
import { elu } from './elu.ts'
import { gelu } from './gelu.ts'
import { leakyRelu } from './leaky-relu.ts'
import { linear } from './linear.ts'
import { relu } from './relu.ts'
import { selu } from './selu.ts'
import { sigmoid } from './sigmoid.ts'
import { silu } from './silu.ts'
import { softmax } from './softmax.ts'
import { softplus } from './softplus.ts'
import { tanh } from './tanh.ts'

/** Every activation, by the name that requests use. */
export const ACTIVATIONS = {
  linear,
  relu,
  leakyRelu,
  elu,
  selu,
  gelu,
  silu,
  softplus,
  sigmoid,
  tanh,
  softmax,
} as const satisfies Record<string, Activation>

/** The name of an activation. */
export type ActivationName = keyof typeof ACTIVATIONS

/** An activation in a request. */
export const ActivationSchema = Type.Enum(Object.keys(ACTIVATIONS) as ActivationName[], {
  description: 'Applied to the affine part of the layer.',
})
