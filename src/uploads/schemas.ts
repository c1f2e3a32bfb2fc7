import { Type } from 'typebox'
import { pageOf, pageQuery } from '../pagination.ts'

/** Id of an upload. */
export const UploadIdSchema = Type.String({
  pattern: '^upl_[0-9A-Z]{26}$',
  description: 'Upload id: upl_…',
})

/** An upload on the wire. */
export const UploadSchema = Type.Object(
  {
    id: Type.String(),
    metadata: Type.Record(Type.String(), Type.Union([Type.String(), Type.Null()]), {
      description: 'What `Upload-Metadata` said, decoded.',
    }),
    bytes: Type.Integer({ description: 'Size of the whole file.' }),
    receivedBytes: Type.Integer({ description: 'Where to go on.' }),
    isWhole: Type.Boolean({ description: 'Whether a dataset can be made from it.' }),
    createdAt: Type.String({ format: 'date-time' }),
    expiresAt: Type.String({
      format: 'date-time',
      description: 'It is deleted then; each part puts it off.',
    }),
  },
  { title: 'Upload' },
)

/** An upload as a client sees it. */
export type Upload = Type.Static<typeof UploadSchema>

/** A page of uploads. */
export const UploadPageSchema = pageOf(UploadSchema)

/** Query of the list. */
export const UploadListQuery = Type.Object(pageQuery('^upl_[0-9A-Z]{26}$'), { additionalProperties: false })
