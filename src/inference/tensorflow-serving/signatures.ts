import { fieldError } from '../../errors.ts'
import type { ModelInterface } from '../named-inputs/model-interface.ts'

/** The signature that a request means without naming one. */
const DEFAULT_SIGNATURE = 'serving_default'

/** What can be asked of a model, and the names of the signatures that do it. */
export const METHODS = {
  predict: { signature: DEFAULT_SIGNATURE, others: [] },
  classify: { signature: 'classification', others: [DEFAULT_SIGNATURE, 'tensorflow/serving/classify'] },
  regress: { signature: 'regression', others: [DEFAULT_SIGNATURE, 'tensorflow/serving/regress'] },
} as const

/** What can be asked of a model. */
export type Method = keyof typeof METHODS

/** What a model can be asked: classes have probabilities, and one target has a value. */
export function methodsOf({ kind, output }: ModelInterface): Method[] {
  if (kind === 'regression') return output.width === 1 ? ['predict', 'regress'] : ['predict']
  return ['predict', 'classify']
}

/**
 * Checks that a signature does what is asked.
 * @throws {AppError} INPUT_INVALID
 */
export function assertSignature(method: Method, name: string = DEFAULT_SIGNATURE): void {
  const { signature, others } = METHODS[method]
  const known: readonly string[] = [signature, ...others]
  if (known.includes(name)) return
  throw fieldError('INPUT_INVALID', '/signature_name', `must be one of ${known.join(', ')}; received ${name}`)
}

/** Checks that a model can be asked. @throws {AppError} INPUT_INVALID */
export function assertMethod(method: Method, model: ModelInterface): void {
  const known = methodsOf(model)
  if (known.includes(method)) return
  const detail = `the model must be asked to ${known.join(' or ')}; it cannot ${method}`
  throw fieldError('INPUT_INVALID', '', detail)
}
