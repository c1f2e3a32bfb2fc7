import helmet from '@fastify/helmet'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance, FastifyPluginAsync } from 'fastify'

const DESCRIPTION = `Training-as-a-service for multilayer perceptrons: upload a dataset, submit a job, watch every epoch,
post an image, get a prediction.

Errors are \`application/problem+json\` (RFC 9457) with a stable \`code\`; in other protocols \`{ "error": "…" }\`. Lists are \`{ data, hasMore, nextCursor }\`.
Times are ISO 8601 UTC. \`null\` means "does not apply (yet)".`

/** `/openapi.json`, made from the routes' schemas, and `/docs`, a page of it that needs nothing from elsewhere. */
export async function registerOpenApi(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Trainyard', version, description: DESCRIPTION, license: { name: 'MIT' } },
      components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
      security: [{ key: [] }],
      tags: [
        { name: 'uploads', description: 'Large files in parts' },
        { name: 'datasets', description: 'Upload and look at data' },
        { name: 'jobs', description: 'Submit, watch and control training' },
        { name: 'metrics', description: 'Epochs, events, curves, evaluation' },
        { name: 'models', description: 'The registry' },
        { name: 'predictions', description: 'Ask a model' },
        {
          name: 'open inference protocol',
          description: 'The same models, as Triton and KServe serve theirs',
        },
        { name: 'tensorflow serving', description: 'The same models, as TensorFlow Serving serves its own' },
        { name: 'operations', description: 'Health, queue, workers' },
      ],
    },
  })
  const docs: FastifyPluginAsync = async page => {
    await page.register(helmet, { contentSecurityPolicy: false })
    await page.register(swaggerUi, {
      routePrefix: '/docs',
      staticCSP: true,
      uiConfig: {
        layout: 'BaseLayout',
        docExpansion: 'list',
        persistAuthorization: true,
        tryItOutEnabled: true,
      },
      theme: { title: 'Trainyard API' },
    })
  }
  await app.register(docs)
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
}
