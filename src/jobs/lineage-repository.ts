import type { Db } from '../db/client.ts'
import type { Origin } from '../models/lineage.ts'

/** Where the model of a job comes from: the dataset by its name, and who asked for the job. */
export async function readOrigin(db: Db, jobId: string): Promise<Origin> {
  const [row] = await db.$queryRaw<
    {
      datasetName: string | null
      datasetVersion: number | null
      keyId: string | null
      keyName: string | null
    }[]
  >`
    SELECT datasets.name AS "datasetName", datasets.version AS "datasetVersion",
      api_keys.id AS "keyId", api_keys.name AS "keyName"
    FROM jobs
      LEFT JOIN datasets ON datasets.id = jobs.dataset_id
      LEFT JOIN api_keys ON api_keys.id = jobs.api_key_id
    WHERE jobs.id = ${jobId}`
  const { datasetName = null, datasetVersion = null, keyId = null, keyName = null } = row ?? {}
  return {
    dataset:
      datasetName === null || datasetVersion === null ? null : { name: datasetName, version: datasetVersion },
    submittedBy: keyId === null || keyName === null ? null : { id: keyId, name: keyName },
  }
}
