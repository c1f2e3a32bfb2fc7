import { open, readFile, rename } from 'node:fs/promises'
import path from 'node:path'
import { Type } from 'typebox'
import { Value } from 'typebox/value'

const FILE = 'manifest.json'
const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' })

/**
 * What a backup holds: `tables/<name>.copy`, rows in Postgres's text format of COPY; `blobs/ab/ab12…`; perhaps
 * `api-key`; and this, `manifest.json`, which is written last. A folder without it is not a whole backup.
 */
const ManifestSchema = Type.Object({
  format: Type.Literal('trainyard-backup/1'),
  version: Type.String({ description: 'Of the service that made it.' }),
  createdAt: Type.String({ description: 'When the rows were read, all at once.' }),
  migrations: Type.Array(Type.String(), { description: 'The schema of the rows.' }),
  tables: Type.Array(
    Type.Object({
      name: Type.String({ pattern: '^[a-z_]+$' }),
      columns: Type.Array(Type.String()),
      rows: Type.Integer(),
      sha256: Sha256,
    }),
    { description: 'Each after those that it refers to.' },
  ),
  blobs: Type.Array(Type.Object({ sha256: Sha256, bytes: Type.Integer() })),
  damaged: Type.Array(Sha256, {
    description: 'Blobs that rows name and that were missing or damaged already.',
  }),
})

/** What a backup holds. */
export type BackupManifest = Type.Static<typeof ManifestSchema>

/** Makes a backup whole. */
export async function writeManifest(folder: string, manifest: BackupManifest): Promise<void> {
  const file = await open(path.join(folder, `${FILE}.part`), 'w')
  try {
    await file.writeFile(`${JSON.stringify(manifest, null, 2)}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(path.join(folder, `${FILE}.part`), path.join(folder, FILE))
}

/** @throws Error when the folder holds no whole backup of this format */
export async function readManifest(folder: string): Promise<BackupManifest> {
  const text = await readFile(path.join(folder, FILE), 'utf8').catch(cause => {
    throw new Error(`a backup must have a ${FILE}; there is none in ${folder}`, { cause })
  })
  const manifest: unknown = JSON.parse(text)
  if (!Value.Check(ManifestSchema, manifest)) {
    throw new Error(`${path.join(folder, FILE)} must be of the format trainyard-backup/1`)
  }
  return manifest
}
