import type { ExportedFile, ExportedModel } from '../exports/exported-model.ts'
import { encodeSavedModel } from './messages.ts'
import { writeModel } from './write-model.ts'

/** The version whose operators these are. @see tensorflow/core/public/version.h, TF_GRAPH_DEF_VERSION of 2.16 */
const TENSORFLOW = '2.16.1'
const PRODUCER = 1766

/**
 * A model as a SavedModel of TensorFlow: a graph with its weights as constants, so that there is no checkpoint to restore.
 * @see https://www.tensorflow.org/guide/saved_model
 */
export function writeSavedModel(model: ExportedModel): ExportedFile[] {
  const { nodes, signature } = writeModel(model, 'tensorflow')
  const content = encodeSavedModel({ nodes, signature, producer: PRODUCER, tensorflowVersion: TENSORFLOW })
  return [{ name: 'saved_model.pb', content }]
}
