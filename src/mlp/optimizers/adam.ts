import { Type } from 'typebox'
import { type CommonOptions, commonProperties, DecayRate, Epsilon, resolveCommon } from './common-options.ts'
import { declareSlot, type Optimizer } from './optimizer.ts'

const properties = {
  ...commonProperties,
  beta1: Type.Optional(DecayRate),
  beta2: Type.Optional(DecayRate),
  epsilon: Type.Optional(Epsilon),
}

const Schema = Type.Object(
  { type: Type.Literal('adam'), ...properties },
  { additionalProperties: false, title: 'Adam' },
)

const DecoupledSchema = Type.Object(
  { type: Type.Literal('adamW'), ...properties },
  { additionalProperties: false, title: 'AdamW' },
)

interface AdamOptions extends CommonOptions {
  beta1: number
  beta2: number
  epsilon: number
}

/** Adam with its defaults filled in. */
export interface Adam extends AdamOptions {
  type: 'adam'
}

/** AdamW with its defaults filled in. */
export interface AdamW extends AdamOptions {
  type: 'adamW'
}

const DEFAULTS = { learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 } as const

function resolveAdam(
  request: Omit<Type.Static<typeof Schema>, 'type'>,
  defaults: { weightDecay?: number },
): AdamOptions {
  return {
    ...resolveCommon(request, { ...DEFAULTS, ...defaults }),
    beta1: request.beta1 ?? DEFAULTS.beta1,
    beta2: request.beta2 ?? DEFAULTS.beta2,
    epsilon: request.epsilon ?? DEFAULTS.epsilon,
  }
}

const update: Optimizer<Type.TObject, AdamOptions>['update'] = (graph, spec, gradients, learningRate) => {
  const { beta1, beta2, epsilon } = spec
  const beta1Power = graph.scalar('beta1Power', step => beta1 ** step).value
  const beta2Power = graph.scalar('beta2Power', step => beta2 ** step).value
  for (const { variable, gradient } of gradients) {
    const [m, v] = [declareSlot(graph, variable, 'adam_m'), declareSlot(graph, variable, 'adam_v')]
    const moved = { variable: variable.value, gradient, learningRate }
    graph.emit({ kind: 'applyAdam', ...moved, m, v, beta1Power, beta2Power, beta1, beta2, epsilon })
  }
}

/**
 * m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g², w ← w − η √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε).
 * @see Kingma & Ba (2015), "Adam", the form before section 2.1: ε stands outside the bias correction, as in
 *   TensorFlow and Keras ("epsilon hat")
 * @see keras/src/optimizers/adam.py for the defaults
 */
export const adam: Optimizer<typeof Schema, Adam> = {
  schema: Schema,
  resolve: request => ({ type: 'adam', ...resolveAdam(request, {}) }),
  update,
}

/**
 * Adam whose weights decay apart from the gradient, by 0.004 unless said otherwise; see `decayWeights`.
 * @see Loshchilov & Hutter (2019), "Decoupled weight decay regularization"; keras/src/optimizers/adamw.py
 */
export const adamW: Optimizer<typeof DecoupledSchema, AdamW> = {
  schema: DecoupledSchema,
  resolve: request => ({ type: 'adamW', ...resolveAdam(request, { weightDecay: 0.004 }) }),
  update,
}
