import { readFile } from 'node:fs/promises'
import type { Type } from 'typebox'
import { type LossSchema, resolveLoss } from '../../src/mlp/losses/registry.ts'
import { countOutputUnits, type NetworkSchema, resolveNetwork } from '../../src/mlp/network.ts'
import { type OptimizerSchema, resolveOptimizer } from '../../src/mlp/optimizers/registry.ts'
import type { Program, ProgramSpec } from '../../src/mlp/program.ts'
import { fnv1a } from '../../src/mlp/random.ts'
import { resolveSchedule, type Schedule, type ScheduleSchema } from '../../src/mlp/schedules/schedule.ts'
import type { Examples, TrainingState } from '../../worker/engines/engine.ts'

/** How a network is trained, in the words of requests. */
interface Training {
  layers: Type.Static<typeof NetworkSchema>['layers']
  loss: Type.Static<typeof LossSchema>
  optimizer: Type.Static<typeof OptimizerSchema>
  learningRateSchedule: Type.Static<typeof ScheduleSchema>
  /** By class, 0, 1, …; 1 for those left out. */
  classWeight?: Record<string, number>
}

/** One training whose results are known; what it leaves out is that of the suite's base. */
export interface ReferenceCase extends Partial<Training> {
  name: string
}

/** test/reference/cases.json. */
export interface ReferenceSuite {
  seed: number
  features: number
  examples: number
  batchSize: number
  lastBatchSize: number
  steps: number
  base: Training
  cases: ReferenceCase[]
}

/** What Keras made of a case. */
export interface ReferenceResult {
  /** Of each step, with class weights and penalties. */
  losses: number[]
  /** The mean loss over all examples after the last step. */
  evaluation: number
  /** Weights and statistics after the last step, by name, row by row. */
  weights: Record<string, number[]>
}

/** test/reference/keras-3.json, which test/reference/make_reference.py makes. */
export interface Reference {
  versions: Record<string, string>
  /** What Keras fills in, by our names; null: nothing. */
  defaults: Record<'layers' | 'losses' | 'optimizers', Record<string, Record<string, unknown>>>
  /** Of a kernel of 300 by 200 and of a bias of 10 000. */
  initializers: Record<string, Record<string, { deviation: number; largest: number }>>
  cases: Record<string, ReferenceResult>
}

/** Reads the cases and what Keras made of them. */
export async function readReference(): Promise<{ suite: ReferenceSuite; reference: Reference }> {
  const read = async (name: string) =>
    JSON.parse(await readFile(new URL(`../reference/${name}`, import.meta.url), 'utf8')) as unknown
  return {
    suite: (await read('cases.json')) as ReferenceSuite,
    reference: (await read('keras-3.json')) as Reference,
  }
}

/** A case with every default of ours filled in. */
export function resolveCase(
  { base, features, steps }: ReferenceSuite,
  request: ReferenceCase,
): ProgramSpec & { classes: number; schedule: Schedule } {
  const { layers, loss, optimizer, learningRateSchedule, classWeight } = { ...base, ...request }
  const network = resolveNetwork({ layers })
  const classes = Math.max(2, countOutputUnits(network, features))
  return {
    inputUnits: features,
    task: 'classification',
    inputScaling: { scale: 1, offset: 0 },
    network,
    loss: resolveLoss(loss),
    optimizer: resolveOptimizer(optimizer),
    schedule: resolveSchedule(learningRateSchedule, steps),
    classes,
    classWeights: classWeight ? Array.from({ length: classes }, (_, label) => classWeight[label] ?? 1) : null,
  }
}

/** The examples of a case; features are in [−2, 2). */
export function referenceExamples(suite: ReferenceSuite, classes: number): Examples {
  return {
    features: draw('features', suite.examples * suite.features).map(x => x * 4),
    labels: Int32Array.from(draw('labels', suite.examples), x => Math.floor((x + 0.5) * classes)),
  }
}

/** The variables before the first step: factors and variances around 1, other weights around 0, slots as they are. */
export function referenceState(program: Program, seeded: TrainingState): TrainingState {
  return new Map(
    program.variables.map(({ name, role, shape }) => {
      if (role === 'slot') return [name, seeded.get(name) ?? new Float32Array()]
      const middle = /\/(gamma|moving_variance)$/.test(name) ? 1 : 0
      const size = shape.reduce((product, dimension) => product * dimension, 1)
      return [name, draw(name, size).map(x => x + middle)]
    }),
  )
}

/**
 * Multiples of 2⁻¹⁶ in [−0.5, 0.5), the same here and in make_reference.py.
 * @see Press et al., "Numerical Recipes", section 7.1: the "quick and dirty" linear congruential generator
 */
function draw(name: string, count: number): Float32Array {
  let state = fnv1a(name)
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(1664525, state) + 1013904223) >>> 0
    return (state >>> 16) / 65536 - 0.5
  })
}
