import { Client, credentials, status } from '@grpc/grpc-js'
import { expect, it, onTestFinished } from 'vitest'
import { createTestDatabase } from '../helpers/database.ts'
import { startTestService, type TestService } from '../helpers/service.ts'
import { openSeverableRoute } from '../helpers/severable.ts'
import { until } from '../helpers/until.ts'

/** Field 1, a varint: HealthCheckResponse.status. */
const SERVING = Buffer.from([0x08, 1])
const NOT_SERVING = Buffer.from([0x08, 2])

/** Calls without a key, by the bytes of the protocol. @throws the error of the call */
function call(client: Client, method: string, message: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) =>
    client.makeUnaryRequest<Buffer, Buffer>(
      method,
      bytes => bytes,
      bytes => bytes,
      message,
      (error, answer) => (error ? reject(error) : resolve(answer ?? Buffer.alloc(0))),
    ),
  )
}

function check(client: Client, service: string): Promise<Buffer> {
  const name = Buffer.from(service)
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, name.length]), name])
  return call(client, '/grpc.health.v1.Health/Check', message)
}

async function openClient(service: TestService): Promise<Client> {
  const port = await until(() => /"grpcPort":(\d+)/.exec(service.api.output())?.[1], { what: 'gRPC' })
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
  onTestFinished(() => client.close())
  return client
}

it('tells the health of the server and of its service, and of no other', async () => {
  const route = await openSeverableRoute(await createTestDatabase())
  onTestFinished(route.close)
  const service = await startTestService({
    databaseUrl: route.url,
    environment: { TRAINYARD_GRPC_PORT: '0' },
  })
  const client = await openClient(service)
  expect(await check(client, '')).toEqual(SERVING)
  expect(await check(client, 'inference.GRPCInferenceService')).toEqual(SERVING)
  await expect(check(client, 'inference.Nothing')).rejects.toMatchObject({
    code: status.NOT_FOUND,
    details: expect.stringContaining('inference.Nothing'),
  })
  route.cut()
  expect(await check(client, '')).toEqual(NOT_SERVING)
  route.mend()
  await until(async () => (await check(client, '')).equals(SERVING), { what: 'health again' })
  expect(await service.api.end('SIGTERM')).toEqual({ code: 0, signal: null })
})

it('asks for the key before it looks at the message', async () => {
  const service = await startTestService({ environment: { TRAINYARD_GRPC_PORT: '0' } })
  const client = await openClient(service)
  const noMessage = Buffer.alloc(100, 0xff)
  await expect(call(client, '/inference.GRPCInferenceService/ModelInfer', noMessage)).rejects.toMatchObject({
    code: status.UNAUTHENTICATED,
  })
  await until(() => /"method":"\/inference[^\n]*ModelInfer".*"code":16/.test(service.api.output()), {
    what: 'a line in the log',
  })
})
