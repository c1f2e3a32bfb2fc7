import { AssertionError } from 'node:assert'
import { isModelVariable } from '../../src/mlp/graph.ts'
import type { Program } from '../../src/mlp/program.ts'
import { readArtifact } from '../../src/models/artifact.ts'
import type { BlobStore } from '../../src/storage/blob-store.ts'
import type { Session } from '../engines/engine.ts'
import type { TrainerJob } from './messages.ts'

/**
 * Makes the weights and moving means of a base model the first ones, layer by layer; all else stays as it was drawn.
 * @throws {AppError} MODEL_DAMAGED
 */
export async function takeWeights(
  blobs: BlobStore,
  program: Program,
  session: Session,
  { files, takenLayers }: NonNullable<TrainerJob['base']>,
): Promise<void> {
  const { weights } = await readArtifact(blobs, files)
  const sourceOf = new Map(takenLayers.map(({ layer, from }) => [layer, from]))
  const state = new Map(session.exportState())
  for (const { name } of program.variables.filter(isModelVariable)) {
    const [layer = '', variable = ''] = name.split('/')
    const from = sourceOf.get(layer)
    if (from === undefined) continue
    const array = weights.get(`${from}/${variable}`)
    if (!array) throw new AssertionError({ message: `the base model must hold ${from}/${variable}` })
    state.set(name, array)
  }
  session.importState(state)
}
