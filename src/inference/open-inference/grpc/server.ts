import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import type { AppError } from '../../../errors.ts'
import { hashKey } from '../../../http/api-keys.ts'
import { type FindKeyId, keyRefused, readBearer } from '../../../http/auth.ts'
import type { ObserveRequest } from '../../../http/observe-requests.ts'
import { describePlainly, plainStatus } from '../../../http/plain-errors.ts'
import { toAppError } from '../../../http/problem-details.ts'
import type { Logger } from '../../../logger.ts'
import { createInterfaces } from '../../named-inputs/model-interface.ts'
import { BODY_BYTES_MAX } from '../../schemas.ts'
import type { OpenInferenceDeps } from '../server-metadata.ts'
import { createHealthService } from './health.ts'
import type { Method, Service } from './method.ts'
import { createInferenceService } from './service.ts'
import { grpcStatusOf } from './status.ts'

/** What the server works with. */
export interface GrpcDeps extends OpenInferenceDeps {
  findKeyId: FindKeyId
  logger: Logger
  observeRequest: ObserveRequest
}

/** The protocol over gRPC, on a port of its own. */
export interface GrpcServer {
  port: number
  /** Takes no more calls, and waits for those that are being answered. */
  close(): Promise<void>
}

/**
 * Listens for calls of `inference.GRPCInferenceService` and `grpc.health.v1.Health`, in plain text: TLS is a proxy's
 * work, as it is for HTTP.
 * @param address.port - 0 takes any free one
 * @throws Error when the port is taken
 */
export async function startGrpcServer(
  deps: GrpcDeps,
  { host, port }: { host: string; port: number },
): Promise<GrpcServer> {
  const server = new Server({
    'grpc.max_receive_message_length': BODY_BYTES_MAX,
    'grpc.max_send_message_length': -1,
  })
  const inference = createInferenceService({ ...deps, interfaceOf: createInterfaces() })
  addService(server, deps, inference)
  addService(server, deps, createHealthService([inference.name], deps.isReady))
  const bound = await new Promise<number>((resolve, reject) =>
    server.bindAsync(
      `${host.includes(':') ? `[${host}]` : host}:${port}`,
      ServerCredentials.createInsecure(),
      (error, taken) => (error ? reject(error) : resolve(taken)),
    ),
  )
  return {
    port: bound,
    close: () => new Promise(resolve => server.tryShutdown(() => resolve())),
  }
}

function addService(server: Server, deps: GrpcDeps, service: Service): void {
  const definition: ServiceDefinition = {}
  const implementation: UntypedServiceImplementation = {}
  for (const [name, method] of Object.entries(service.methods)) {
    const path = `/${service.name}/${name}`
    Object.assign(definition, { [name]: defineMethod(path, service, name) })
    implementation[name] = answerWith(deps, path, method)
  }
  server.addService(definition, implementation)
}

function defineMethod(path: string, { codecOf }: Service, name: string) {
  const [request, response] = [codecOf(name, 'Request'), codecOf(name, 'Response')]
  return {
    path,
    requestStream: false,
    responseStream: false,
    requestSerialize: request.encode,
    requestDeserialize: request.decode,
    responseSerialize: response.encode,
    responseDeserialize: response.decode,
  }
}

type Call = ServerUnaryCall<object, object>

/** Asks for the key, answers, tells errors by their status, and logs and counts as HTTP's routes do. */
function answerWith(deps: GrpcDeps, route: string, method: Method): handleUnaryCall<object, object> {
  return (call, callback) => {
    const startedMs = performance.now()
    const settle = (keyId: string | null, problem: AppError | null) => {
      const responseTime = performance.now() - startedMs
      const code = problem ? grpcStatusOf(problem) : 0
      deps.observeRequest('GRPC', route, problem ? plainStatus(problem) : 200, responseTime / 1_000)
      if (method.needsNoKey) return
      const line = { grpc: { method: route, peer: call.getPeer(), code }, keyId, responseTime }
      if (problem && problem.status >= 500) deps.logger.error({ ...line, err: problem }, 'call failed')
      else deps.logger.info({ ...line, ...(problem && { detail: problem.message }) }, 'call completed')
    }
    let keyId: string | null = null
    const answer = async () => {
      if (!method.needsNoKey) keyId = await readKey(deps.findKeyId, call)
      return method.answer(call.request, call)
    }
    answer().then(
      response => {
        settle(keyId, null)
        callback(null, response)
      },
      (error: unknown) => {
        const problem = toAppError(error)
        settle(keyId, problem)
        const details =
          problem.status === 500 ? 'the error is in the log of the service' : describePlainly(problem)
        callback({ code: grpcStatusOf(problem), details })
      },
    )
  }
}

/** The id of the key in the metadata. @throws {AppError} UNAUTHENTICATED */
async function readKey(findKeyId: FindKeyId, call: Call): Promise<string> {
  const key = readBearer(call.metadata.get('authorization')[0]?.toString())
  const keyId = key === null ? null : await findKeyId(hashKey(key))
  if (keyId !== null) return keyId
  throw keyRefused('in the metadata, as "authorization: Bearer <key>"', key)
}
