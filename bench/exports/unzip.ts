import { buffer } from 'node:stream/consumers'
import yauzl from 'yauzl'

/** The files of a ZIP, by their names. */
export async function unzip(archive: Buffer): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>()
  const zip = await yauzl.fromBufferPromise(archive, {})
  for await (const entry of zip.eachEntry()) {
    files.set(entry.fileName, await buffer(await zip.openReadStreamPromise(entry, {})))
  }
  return files
}
