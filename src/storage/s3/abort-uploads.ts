import {
  AbortMultipartUploadCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3'
import { isNotImplemented } from './errors.ts'

/**
 * Ends uploads in parts that were never completed: of processes that were killed. A store that cannot list them
 * must forget them by itself, by a rule of the bucket.
 */
export async function abortUploads(
  client: S3Client,
  place: { Bucket: string; Prefix: string },
  startedBeforeMs: number,
): Promise<void> {
  for (let page = await listUploads(client, place, {}); page !== null; ) {
    for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
      if ((Initiated?.getTime() ?? startedBeforeMs) >= startedBeforeMs) continue
      await client.send(new AbortMultipartUploadCommand({ Bucket: place.Bucket, Key, UploadId }))
    }
    const { IsTruncated, NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = page
    page = IsTruncated ? await listUploads(client, place, { KeyMarker, UploadIdMarker }) : null
  }
}

/** @returns null when the store cannot tell */
function listUploads(
  client: S3Client,
  place: { Bucket: string; Prefix: string },
  after: Pick<ListMultipartUploadsCommandInput, 'KeyMarker' | 'UploadIdMarker'>,
) {
  return client.send(new ListMultipartUploadsCommand({ ...place, ...after })).catch(error => {
    if (isNotImplemented(error)) return null
    throw error
  })
}
