import type { ColumnType } from '../../datasets/columns.ts'
import { INPUT_NAME, type ModelInterface } from '../named-inputs/model-interface.ts'
import type { Datatype } from './datatypes.ts'
import { LABEL_NAME, outputNames } from './output-tensors.ts'
import type { ModelMetadata } from './schemas.ts'

/** What the platform is called; it says what kind of model it is. */
const PLATFORM = 'trainyard_mlp'

const DATATYPE_OF: Readonly<Record<ColumnType, Datatype>> = {
  numeric: 'FP64',
  boolean: 'BOOL',
  categorical: 'BYTES',
  datetime: 'BYTES',
  id: 'BYTES',
  text: 'BYTES',
}

/** What the protocol tells of a model. @param versions - all of its numbers, or the one that was asked for */
export function describeModel(
  name: string,
  versions: readonly number[],
  model: ModelInterface,
): ModelMetadata {
  const { features, units, output } = model
  return {
    name,
    versions: versions.map(String),
    platform: PLATFORM,
    inputs: features?.map(({ name, type }) => ({ name, datatype: DATATYPE_OF[type], shape: [-1, 1] })) ?? [
      { name: INPUT_NAME, datatype: 'FP32', shape: [-1, units] },
    ],
    outputs: outputNames(model).map(name =>
      name === LABEL_NAME
        ? { name, datatype: 'BYTES', shape: [-1] }
        : { name, datatype: 'FP32', shape: [-1, output.width] },
    ),
  }
}
