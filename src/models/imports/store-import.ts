import type { Db } from '../../db/client.ts'
import { listVariables } from '../../mlp/network.ts'
import { createEncoder } from '../../preprocessing/encoder.ts'
import type { BlobStore } from '../../storage/blob-store.ts'
import { findActor } from '../aliases/repository.ts'
import { type Artifact, writeArtifact } from '../artifact.ts'
import { describeLineage } from '../lineage.ts'
import type { Manifest } from '../manifest.ts'
import { insertVersion } from '../repository.ts'
import type { Description } from '../schemas.ts'
import type { ReadModel } from './read-model-file.ts'

/** An import whose files are in the store, and which no row names yet. */
export interface StoredImport {
  artifact: Artifact
  description: Omit<Manifest, 'weights' | 'files' | 'format'>
}

/** Writes the files of a version: those of one that a job makes. */
export async function storeImport(blobs: BlobStore, { model, imported }: ReadModel): Promise<StoredImport> {
  const { weights, ...described } = model
  const { inputUnits } = createEncoder(
    described.preprocessing,
    described.input.columns ?? null,
    described.input.shape,
  )
  const description: StoredImport['description'] = {
    ...described,
    jobId: null,
    dataset: null,
    imported,
    loss: null,
    training: {},
    metrics: {},
    engine: null,
  }
  const variables = listVariables(described.network, inputUnits)
  return { artifact: await writeArtifact(blobs, { variables }, weights, description), description }
}

/** Makes a stored import the next version of a model. @returns its number */
export async function insertImport(
  tx: Db,
  modelName: string,
  { artifact, description }: StoredImport,
  said: Description,
  apiKeyId: string | null,
): Promise<number> {
  const lineage = describeLineage(description, { dataset: null, submittedBy: await findActor(tx, apiKeyId) })
  return insertVersion(tx, modelName, artifact, description, { lineage, said })
}
