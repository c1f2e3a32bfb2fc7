import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { Database } from '../db/client.ts'
import { problemResponses } from '../http/problem-details.ts'
import { NAME_PATTERN, storable } from '../names.ts'
import { pageQuery, toPage } from '../pagination.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import { ARTIFACT_FILES, readArtifactFile } from './artifact.ts'
import { exportVersion } from './exports/export-version.ts'
import { EXPORT_FORMATS } from './exports/format-names.ts'
import {
  deleteVersion,
  describeModel,
  describeVersion,
  getModel,
  listModels,
  listVersions,
  resolveVersion,
} from './repository.ts'
import {
  DescriptionSchema,
  ModelPageSchema,
  ModelStatusSchema,
  ModelVersionPageSchema,
  ModelVersionStatusSchema,
  TagSchema,
} from './schemas.ts'
import { describeStatus } from './version-status.ts'

/** What the model routes work with. */
export interface ModelDeps {
  db: Database
  blobs: BlobStore
}

const name = storable({ maxLength: 100 })
const version = Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 })
const VersionParams = Type.Object({ name, version })
const tags = ['models']

const FORMATS_DESCRIPTION =
  'By `format`: `tfjs` (default), a ZIP of the tfjs Layers model (`model.json`, `weights.bin`) and `manifest.json`; ' +
  '`tfjs-graph`, a ZIP of a tfjs graph model; `onnx`, an ONNX file; `keras`, a Keras 3 archive; `savedmodel`, a ZIP of a ' +
  'TensorFlow SavedModel; `npz`, the weights as NumPy arrays; `html`, a page that runs the model in a browser. Archives ' +
  'have a `README.md` that says what of the preprocessing is left to you.'

/** `/v1/models`: the registry. */
export const modelRoutes: FastifyPluginAsyncTypebox<ModelDeps> = async (app, { db, blobs }) => {
  const readModel = async (name: string) => {
    const model = await getModel(db, name)
    return { ...model, ...describeStatus(model.versions) }
  }
  const readVersion = async (name: string, version: number) => ({
    ...(await resolveVersion(db, name, { version })),
    ...describeStatus([version]),
  })

  app.get(
    '/models',
    {
      schema: {
        tags,
        summary: 'List models',
        querystring: Type.Object(
          { ...pageQuery(NAME_PATTERN), tag: Type.Optional(TagSchema) },
          { additionalProperties: false },
        ),
        response: { 200: ModelPageSchema, ...problemResponses(422) },
      },
    },
    async ({ query: { limit = 20, after, tag } }) =>
      toPage(
        await listModels(db, { limit, after, tag }),
        limit,
        model => model,
        model => model.name,
      ),
  )

  app.get(
    '/models/:name',
    {
      schema: {
        tags,
        summary: 'Read a model',
        params: Type.Object({ name }),
        response: { 200: ModelStatusSchema, ...problemResponses(404) },
      },
    },
    async ({ params }) => readModel(params.name),
  )

  app.patch(
    '/models/:name',
    {
      schema: {
        tags,
        summary: 'Describe a model',
        description: 'Tags are set as a whole.',
        params: Type.Object({ name }),
        body: DescriptionSchema,
        response: { 200: ModelStatusSchema, ...problemResponses(404, 422) },
      },
    },
    async ({ params, body }) => {
      await describeModel(db, params.name, body)
      return readModel(params.name)
    },
  )

  app.get(
    '/models/:name/versions',
    {
      schema: {
        tags,
        summary: 'List versions',
        description: 'Newest first.',
        params: Type.Object({ name }),
        querystring: Type.Object(
          { ...pageQuery('^[1-9][0-9]{0,9}$'), tag: Type.Optional(TagSchema) },
          { additionalProperties: false },
        ),
        response: { 200: ModelVersionPageSchema, ...problemResponses(404, 422) },
      },
    },
    async ({ params, query: { limit = 20, after, tag } }) =>
      toPage(
        await listVersions(db, params.name, {
          limit,
          after: after === undefined ? after : toCursor(after),
          tag,
        }),
        limit,
        version => version,
        ({ version }) => String(version),
      ),
  )

  app.get(
    '/models/:name/versions/:version',
    {
      schema: {
        tags,
        summary: 'Read a version',
        params: VersionParams,
        response: { 200: ModelVersionStatusSchema, ...problemResponses(404, 422) },
      },
    },
    async ({ params }) => readVersion(params.name, params.version),
  )

  app.patch(
    '/models/:name/versions/:version',
    {
      schema: {
        tags,
        summary: 'Describe a version',
        description: 'Tags are set as a whole. All else of a version never changes.',
        params: VersionParams,
        body: DescriptionSchema,
        response: { 200: ModelVersionStatusSchema, ...problemResponses(404, 422) },
      },
    },
    async ({ params, body }) => {
      await describeVersion(db, params.name, params.version, body)
      return readVersion(params.name, params.version)
    },
  )

  app.delete(
    '/models/:name/versions/:version',
    {
      schema: {
        tags,
        summary: 'Delete a version',
        params: VersionParams,
        response: { 204: Type.Null(), ...problemResponses(404, 409, 422) },
      },
    },
    async ({ params }, reply) => {
      await deleteVersion(db, params.name, params.version)
      return reply.code(204).send(null)
    },
  )

  app.get(
    '/models/:name/versions/:version/artifact',
    {
      schema: {
        tags,
        summary: 'Download a version',
        description: FORMATS_DESCRIPTION,
        params: VersionParams,
        querystring: Type.Object(
          { format: Type.Optional(Type.Enum([...EXPORT_FORMATS], { default: 'tfjs' })) },
          { additionalProperties: false },
        ),
        produces: ['application/zip', 'application/octet-stream', 'text/html'],
      },
    },
    async ({ params, query: { format = 'tfjs' } }, reply) => {
      const version = await resolveVersion(db, params.name, params)
      const { filename, contentType, content } = await exportVersion(blobs, version, format)
      return reply
        .type(contentType)
        .header('content-disposition', `attachment; filename*=UTF-8''${encodeURIComponent(filename)}`)
        .send(content)
    },
  )

  app.get(
    '/models/:name/versions/:version/artifact/:file',
    {
      schema: {
        tags,
        summary: 'One file of a version',
        description:
          'For `tf.loadLayersModel(url, { requestInit })`, which asks for `weights.bin` by itself.',
        params: Type.Object({ name, version, file: Type.Enum([...ARTIFACT_FILES]) }),
      },
    },
    async ({ params }, reply) => {
      const { files } = await resolveVersion(db, params.name, params)
      const content = await readArtifactFile(blobs, files[params.file])
      return reply
        .type(params.file.endsWith('.json') ? 'application/json' : 'application/octet-stream')
        .send(content)
    },
  )
}

/** No version has a greater number. */
function toCursor(after: string): number {
  return Math.min(Number(after), 2 ** 31 - 1)
}
