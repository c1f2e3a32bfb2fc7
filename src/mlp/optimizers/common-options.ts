import { Type } from 'typebox'
import type { Graph } from '../graph.ts'
import type { Value } from '../operations.ts'
import type { VariableGradient } from './optimizer.ts'

const Limit = (what: string) =>
  Type.Optional(
    Type.Number({ exclusiveMinimum: 0, description: `${what} At most one of the three may be given.` }),
  )

/** Fields that every optimizer takes in a request. */
export const commonProperties = {
  learningRate: Type.Optional(
    Type.Number({
      exclusiveMinimum: 0,
      description:
        'How far one step goes. Any positive finite number; too large a one ends in TRAINING_DIVERGED.',
    }),
  ),
  weightDecay: Type.Optional(
    Type.Number({
      minimum: 0,
      exclusiveMaximum: 1,
      description: 'Each step takes this part, times the learning rate, off every weight.',
    }),
  ),
  clipNorm: Limit('Each gradient is scaled down to this norm.'),
  clipValue: Limit('Each number of a gradient is cut off at ± this.'),
  globalClipNorm: Limit('All gradients together are scaled down to this norm.'),
}

/** A member of a decaying mean. */
export const DecayRate = Type.Number({ minimum: 0, exclusiveMaximum: 1 })

/** A small number that keeps a divisor from zero. */
export const Epsilon = Type.Number({ exclusiveMinimum: 0, maximum: 1 })

/** What every optimizer has, with its defaults filled in; limits that are not there do not apply. */
export interface CommonOptions {
  learningRate: number
  weightDecay: number
  clipNorm?: number
  clipValue?: number
  globalClipNorm?: number
}

/** Fills in the defaults. */
export function resolveCommon(
  request: { [Name in keyof CommonOptions]?: number | undefined },
  defaults: { learningRate: number; weightDecay?: number },
): CommonOptions {
  const { clipNorm, clipValue, globalClipNorm } = request
  return {
    learningRate: request.learningRate ?? defaults.learningRate,
    weightDecay: request.weightDecay ?? defaults.weightDecay ?? 0,
    ...(clipNorm !== undefined && { clipNorm }),
    ...(clipValue !== undefined && { clipValue }),
    ...(globalClipNorm !== undefined && { globalClipNorm }),
  }
}

/**
 * Limits gradients: by norm g · c / max(‖g‖, c), by value, or by the norm of all together.
 * @see Pascanu, Mikolov & Bengio (2013), "On the difficulty of training recurrent neural networks", algorithm 1
 * @see keras/src/optimizers/base_optimizer.py, _clip_gradients
 */
export function clipGradients(
  graph: Graph,
  { clipNorm, clipValue, globalClipNorm }: CommonOptions,
  gradients: readonly VariableGradient[],
): VariableGradient[] {
  const each = (clip: (gradient: Value) => Value) =>
    gradients.map(({ variable, gradient }) => ({ variable, gradient: clip(gradient) }))
  const squares = (value: Value) => graph.sumAll(graph.unary('square', value))
  const shrink = (norm: Value, limit: number) =>
    graph.divide(graph.constant(limit), graph.binary('maximum', norm, graph.constant(limit)))
  if (clipValue !== undefined) {
    return each(gradient => {
      const above = graph.binary('maximum', gradient, graph.constant(-clipValue))
      return graph.binary('minimum', above, graph.constant(clipValue))
    })
  }
  if (clipNorm !== undefined) {
    return each(gradient =>
      graph.multiply(gradient, shrink(graph.unary('sqrt', squares(gradient)), clipNorm)),
    )
  }
  if (globalClipNorm !== undefined) {
    const sum = gradients.map(({ gradient }) => squares(gradient)).reduce((a, b) => graph.add(a, b))
    const factor = shrink(graph.unary('sqrt', sum), globalClipNorm)
    return each(gradient => graph.multiply(gradient, factor))
  }
  return [...gradients]
}

/**
 * w ← w − η λ w, before the optimizer's own step and apart from its moments.
 * @see Loshchilov & Hutter (2019), "Decoupled weight decay regularization", algorithm 2
 * @see keras/src/optimizers/base_optimizer.py, _apply_weight_decay: every weight decays, biases too
 */
export function decayWeights(
  graph: Graph,
  { weightDecay }: CommonOptions,
  gradients: readonly VariableGradient[],
  learningRate: Value,
): void {
  if (weightDecay === 0) return
  const kept = graph.shift(graph.scale(learningRate, -weightDecay), 1)
  for (const { variable } of gradients) graph.assign(variable.value, graph.multiply(variable.value, kept))
}
