import type { Db } from '../db/client.ts'

/** SQL of every blob that a row names: one column, `sha256`, each once. */
export const REFERENCED_BLOBS = `
  SELECT split.value->>'features' AS sha256 FROM datasets, jsonb_each(splits) AS split
  UNION SELECT split.value->>'labels' FROM datasets, jsonb_each(splits) AS split
  UNION SELECT sha256 FROM checkpoints
  UNION SELECT file.value FROM model_versions, jsonb_each_text(files) AS file
  UNION SELECT sha256 FROM upload_parts
  UNION SELECT outcomes FROM model_versions WHERE outcomes IS NOT NULL
  UNION SELECT unnest(input_blobs) FROM batch_predictions WHERE status IN ('queued', 'running')
  UNION SELECT sha256 FROM batch_chunks
  UNION SELECT output_sha256 FROM batch_predictions WHERE output_sha256 IS NOT NULL`

/** Every blob that a row names. */
export async function findReferencedBlobs(db: Db): Promise<Set<string>> {
  const rows = await db.$queryRawUnsafe<{ sha256: string }[]>(REFERENCED_BLOBS)
  return new Set(rows.map(({ sha256 }) => sha256))
}
