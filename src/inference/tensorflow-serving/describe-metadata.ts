import type { ColumnType } from '../../datasets/columns.ts'
import { INPUT_NAME, type ModelInterface } from '../named-inputs/model-interface.ts'
import type { Metadata } from './schemas.ts'
import { METHODS, type Method, methodsOf } from './signatures.ts'

const DTYPE_OF: Readonly<Record<ColumnType, string>> = {
  numeric: 'DT_DOUBLE',
  boolean: 'DT_BOOL',
  categorical: 'DT_STRING',
  datetime: 'DT_STRING',
  id: 'DT_STRING',
  text: 'DT_STRING',
}

type Signature = Metadata['metadata']['signature_def']['signature_def'][string]

/** What TensorFlow Serving tells of a version. */
export function describeMetadata(name: string, version: number, model: ModelInterface): Metadata {
  const signatures = methodsOf(model).map(method => [
    METHODS[method].signature,
    describeSignature(method, model),
  ])
  return {
    model_spec: { name, signature_name: '', version: String(version) },
    metadata: { signature_def: { signature_def: Object.fromEntries(signatures) } },
  }
}

function describeSignature(method: Method, { features, units, output }: ModelInterface): Signature {
  const method_name = `tensorflow/serving/${method}`
  const examples = { inputs: tensor('inputs', 'DT_STRING', [-1]) }
  switch (method) {
    case 'predict':
      return {
        inputs: Object.fromEntries(
          features?.map(({ name, type }) => [name, tensor(name, DTYPE_OF[type], [-1, 1])]) ?? [
            [INPUT_NAME, tensor(INPUT_NAME, 'DT_FLOAT', [-1, units])],
          ],
        ),
        outputs: { [output.name]: tensor(output.name, 'DT_FLOAT', [-1, output.width]) },
        method_name,
      }
    case 'classify': {
      const shape = [-1, output.width]
      const outputs = {
        classes: tensor('classes', 'DT_STRING', shape),
        scores: tensor('scores', 'DT_FLOAT', shape),
      }
      return { inputs: examples, outputs, method_name }
    }
    case 'regress':
      return { inputs: examples, outputs: { outputs: tensor('outputs', 'DT_FLOAT', [-1, 1]) }, method_name }
  }
}

function tensor(name: string, dtype: string, shape: readonly number[]): Signature['inputs'][string] {
  const dim = shape.map(size => ({ size: String(size), name: '' }))
  return { dtype, tensor_shape: { dim, unknown_rank: false }, name: `${name}:0` }
}
