import type { StoredVersion, VersionReference } from '../../models/repository.ts'
import { decodeAsTrained } from '../decode-as-trained.ts'
import type { PredictDeps } from '../predict.ts'
import { predictRows } from '../predict-rows.ts'
import { type Answered, routeTraffic } from '../traffic/route-traffic.ts'
import type { Work } from '../turns.ts'
import { type InterfaceDeps, loadInterface, type ModelInterface } from './model-interface.ts'
import type { NamedInput } from './named-input.ts'
import { namedInputsToRows } from './to-rows.ts'

/** Whom a request asks. */
export interface PredictionTarget {
  name: string
  reference: VersionReference
  /** Keeps a client with one version of a split; null: by chance. */
  session: string | null
}

/** What a model makes of named inputs. */
export interface NamedAnswer extends Answered {
  version: StoredVersion
  model: ModelInterface
}

/**
 * Predicts as `predict` does, with the same traffic, for protocols that name their inputs.
 * @throws {AppError} of `VersionCache.resolve`, MODEL_DAMAGED, DEADLINE_EXCEEDED, OVERLOADED, and INPUT_INVALID and
 *   IMAGE_INVALID with the place of what is wrong
 */
export async function predictNamed(
  deps: PredictDeps & InterfaceDeps,
  { name, reference, session }: PredictionTarget,
  inputs: readonly NamedInput[],
  work: Work,
): Promise<NamedAnswer> {
  return routeTraffic(deps, name, reference, session, async version => {
    const model = await loadInterface(deps, version)
    const rows = await namedInputsToRows(decodeAsTrained(deps.decodeImage, version), model, inputs, work)
    const probabilities = await predictRows(deps, version, rows, inputs[0]?.pointer, work)
    return { version, model, rows, probabilities }
  })
}
