import { fieldError } from '../../errors.ts'
import type { ActivationName } from '../../mlp/activations/registry.ts'
import type { Task } from '../../mlp/task.ts'
import type { FittedTarget } from '../../preprocessing/preprocessing.ts'
import type { Manifest } from '../manifest.ts'
import type { Affine } from './input-steps.ts'
import type { ImportOptions } from './options.ts'
import { refuse } from './refuse.ts'

/** What comes out of a network. */
interface Outputs {
  units: number
  /** That it ends with; null: none. */
  activation: ActivationName | null
  /** Whether the file makes two probabilities of the only one. */
  complement: boolean
  /** What is done to the outputs behind the last layer. */
  behind: Affine
}

/**
 * What the outputs mean: by what the owner says, else by the activation.
 * @throws {AppError} MODEL_FILE_INVALID, VALIDATION_FAILED
 */
export function describeOutputs(
  options: ImportOptions,
  outputs: Outputs,
): { described: Pick<Manifest, 'kind' | 'classes' | 'targets'>; target: { target?: FittedTarget[] } } {
  const kind = options.task ?? inferTask(outputs)
  const { activation, complement, behind } = outputs
  const isChanged = behind.of !== ''
  if (isChanged && kind !== 'regression')
    throw refuse(`${behind.of} must not change the probabilities behind the last layer`)
  if (complement && kind !== 'classification')
    throw refuse('two complementary outputs must be those of two classes')
  if (kind === 'regression') {
    if (options.classes) throw wrong('classes', 'a regression has targets, no classes')
    return {
      described: { kind, classes: [], targets: readTargets(options, outputs.units) },
      target: readTarget(options, outputs),
    }
  }
  if (options.targets) throw wrong('targets', `only a regression has targets; the task is ${kind}`)
  if (options.preprocessing?.target)
    throw wrong('preprocessing/target', `only a regression has targets; the task is ${kind}`)
  const fitting: readonly (ActivationName | null)[] =
    kind === 'multiLabel' ? ['sigmoid'] : ['softmax', 'sigmoid']
  if (!fitting.includes(activation)) {
    const advice = 'a network that ends with logits takes "outputActivation": "softmax" (or "sigmoid")'
    throw wrong(
      'task',
      `${kind} needs probabilities; the network ends with ${activation ?? 'no activation'}. ${advice}`,
    )
  }
  return { described: { kind, classes: readClasses(options, kind, outputs), targets: [] }, target: {} }
}

function inferTask({ units, activation, complement }: Outputs): Task {
  if (complement || activation === 'softmax') return 'classification'
  if (activation !== 'sigmoid') return 'regression'
  return units === 1 ? 'classification' : 'multiLabel'
}

/** One sigmoid unit stands for two classes; without names they are numbered, as labels of IDX files are. */
function readClasses(
  { classes }: ImportOptions,
  kind: Task,
  { units, activation, complement }: Outputs,
): string[] {
  if ((units === 1 && activation !== 'sigmoid') || (complement && units !== 1)) {
    throw refuse('a classification must have an output for each class, or one sigmoid unit for two')
  }
  const count = kind === 'classification' && units === 1 ? 2 : units
  const named = classes ?? Array.from({ length: count }, (_, index) => String(index))
  if (named.length === count) return named
  throw wrong('classes', `must be ${count} classes, one for each output; received ${named.length}`)
}

function readTargets({ targets }: ImportOptions, units: number): string[] {
  if (targets === undefined || targets.length === units) return targets ?? []
  throw wrong('targets', `must be ${units} names, one for each output; received ${targets.length}`)
}

/** The network gives (y − center) / spread: what the file does behind it, and then what the owner says. */
function readTarget(
  { preprocessing }: ImportOptions,
  { units, behind }: Outputs,
): { target?: FittedTarget[] } {
  const given = preprocessing?.target
  if (given && (given.length !== units || given.some(({ spread }) => spread === 0))) {
    throw wrong(
      'preprocessing/target',
      `must be ${units} centers and spreads other than 0; received ${given.length}`,
    )
  }
  if (!given && behind.of === '') return {}
  const at = (numbers: readonly number[], unit: number) =>
    (numbers.length === 1 ? numbers[0] : numbers[unit]) ?? Number.NaN
  const target = Array.from({ length: units }, (_, unit) => {
    const { center, spread } = given?.[unit] ?? { center: 0, spread: 1 }
    return { center: at(behind.shift, unit) * spread + center, spread: at(behind.scale, unit) * spread }
  })
  const isUsable = target.every(
    ({ center, spread }) => Number.isFinite(center) && Number.isFinite(spread) && spread !== 0,
  )
  if (isUsable) return { target }
  throw refuse(`${behind.of} must multiply by finite numbers other than 0`)
}

function wrong(name: string, detail: string) {
  return fieldError('VALIDATION_FAILED', `/options/${name}`, detail)
}
