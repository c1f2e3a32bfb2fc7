import type { ColumnType, Task } from '../../datasets/columns.ts'
import { featureCount } from '../../datasets/content.ts'
import type { StoredVersion } from '../../models/repository.ts'
import { columnKindOf } from '../../preprocessing/columns/registry.ts'
import type { Predictor } from '../predictor.ts'
import type { PredictorCache } from '../predictor-cache.ts'
import { createCellReader, type ReadCell } from './read-cell.ts'

/** Name of the only input of a model that takes one array of numbers, or an image. */
export const INPUT_NAME = 'input'

/** A column of a table that goes into the network. */
export interface Feature {
  name: string
  type: ColumnType
  /** Its place among the cells of a row. */
  place: number
  readCell: ReadCell
}

/** What a model takes and gives, as protocols with named tensors see it. */
export interface ModelInterface {
  kind: Task
  /** Of one example. */
  shape: readonly number[]
  /** Numbers, or cells, of one example. */
  units: number
  /** Of a table whose columns have names: an input each; else null, and there is one input, `INPUT_NAME`. */
  features: readonly Feature[] | null
  /** Columns of the table that no feature is made of; they may be sent and count for nothing. */
  unused: ReadonlySet<string>
  output: {
    name: 'probabilities' | 'values'
    width: number
    /** Classes, or targets; empty where targets have no names. */
    names: readonly string[]
  }
}

/** Tells what a loaded model takes and gives. */
export type InterfaceOf = (predictor: Predictor) => ModelInterface

/** What finding out about models works with. */
export interface InterfaceDeps {
  predictors: PredictorCache
  interfaceOf: InterfaceOf
}

/** What a version takes and gives; it is loaded for that. @throws {AppError} MODEL_DAMAGED */
export async function loadInterface(
  { predictors, interfaceOf }: InterfaceDeps,
  version: Pick<StoredVersion, 'sha256' | 'files'>,
): Promise<ModelInterface> {
  return interfaceOf(predictors.find(version.sha256) ?? (await predictors.get(version)))
}

/** Remembers what models take and give for as long as they are loaded. */
export function createInterfaces(): InterfaceOf {
  const known = new WeakMap<Predictor, ModelInterface>()
  return predictor => {
    const found = known.get(predictor) ?? describeInterface(predictor)
    known.set(predictor, found)
    return found
  }
}

function describeInterface({ manifest, outputUnits }: Predictor): ModelInterface {
  const { kind, input, preprocessing, classes, targets = [] } = manifest
  const columns = ('columns' in preprocessing && input.columns) || null
  const fitted = 'columns' in preprocessing ? preprocessing.columns : {}
  const features = columns?.flatMap((column, place): Feature[] => {
    const { name, type } = column
    if (!fitted[name] || !columnKindOf(type)) return []
    return [{ name, type, place, readCell: createCellReader(column) }]
  })
  const used = new Set(features?.map(({ name }) => name))
  return {
    kind,
    shape: input.shape,
    units: featureCount(input.shape),
    features: features ?? null,
    unused: new Set(columns?.flatMap(({ name }) => (used.has(name) ? [] : [name]))),
    output:
      kind === 'regression'
        ? { name: 'values', width: outputUnits, names: targets }
        : { name: 'probabilities', width: outputUnits, names: classes },
  }
}
