import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import type { AppError } from '../../../errors.ts'
import type { FindKeyId } from '../../../http/auth.ts'
import type { ObserveRequest } from '../../../http/observe-requests.ts'
import { describePlainly, plainStatus } from '../../../http/plain-errors.ts'
import { toAppError } from '../../../http/problem-details.ts'
import type { Logger } from '../../../logger.ts'
import { createInterfaces } from '../../named-inputs/model-interface.ts'
import { BODY_BYTES_MAX } from '../../schemas.ts'
import type { OpenInferenceDeps } from '../server-metadata.ts'
import { askForKey, type KeyAsker, type RefusedCall } from './ask-for-key.ts'
import { createHealthService } from './health.ts'
import type { Method, Service } from './method.ts'
import { createInferenceService } from './service.ts'
import { grpcStatusOf } from './status.ts'

/** Calls of one connection at a time; each may hold a message of 32 MiB. */
const STREAMS_MAX = 100

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
  const inference = createInferenceService({ ...deps, interfaceOf: createInterfaces() })
  const services = [inference, createHealthService([inference.name], deps.isReady)]
  const report = createReport(deps)
  const keys = askForKey({
    findKeyId: deps.findKeyId,
    needsKey: path => !findMethod(services, path)?.needsNoKey,
    onRefused(call, error) {
      const problem = toAppError(error)
      report({ ...call, method: null, keyId: null, milliseconds: 0 }, problem)
      return statusOf(problem)
    },
  })
  const server = new Server({
    'grpc.max_receive_message_length': BODY_BYTES_MAX,
    'grpc.max_send_message_length': -1,
    'grpc.max_concurrent_streams': STREAMS_MAX,
    interceptors: [keys.interceptor],
  })
  for (const service of services)
    addService(server, service, (path, method) => answerWith(report, keys, path, method))
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

function findMethod(services: readonly Service[], path: string): Method | undefined {
  const [, name, method = ''] = path.split('/')
  return services.find(service => service.name === name)?.methods[method]
}

function addService(
  server: Server,
  service: Service,
  toHandler: (path: string, method: Method) => handleUnaryCall<object, object>,
): void {
  const definition: ServiceDefinition = {}
  const implementation: UntypedServiceImplementation = {}
  for (const [name, method] of Object.entries(service.methods)) {
    const path = `/${service.name}/${name}`
    Object.assign(definition, { [name]: defineMethod(path, service, name) })
    implementation[name] = toHandler(path, method)
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

/** Answers, tells errors by their status, and logs and counts as HTTP's routes do. */
function answerWith(
  report: Report,
  keys: KeyAsker,
  path: string,
  method: Method,
): handleUnaryCall<object, object> {
  return (call, callback) => {
    const startedMs = performance.now()
    const ended = (problem: AppError | null) => {
      const keyId = keys.keyIdOf(call.metadata)
      report(
        { path, peer: call.getPeer(), method, keyId, milliseconds: performance.now() - startedMs },
        problem,
      )
    }
    method.answer(call.request, call).then(
      response => {
        ended(null)
        callback(null, response)
      },
      (error: unknown) => {
        const problem = toAppError(error)
        ended(problem)
        callback(statusOf(problem))
      },
    )
  }
}

/** A call that is over. */
interface EndedCall extends RefusedCall {
  method: Method | null
  keyId: string | null
  milliseconds: number
}

type Report = (call: EndedCall, problem: AppError | null) => void

function createReport({ logger, observeRequest }: GrpcDeps): Report {
  return ({ path, peer, method, keyId, milliseconds }, problem) => {
    observeRequest('GRPC', path, problem ? plainStatus(problem) : 200, milliseconds / 1_000)
    if (method?.needsNoKey) return
    const code = problem ? grpcStatusOf(problem) : 0
    const line = { grpc: { method: path, peer, code }, keyId, responseTime: milliseconds }
    if (problem && problem.status >= 500) logger.error({ ...line, err: problem }, 'call failed')
    else logger.info({ ...line, ...(problem && { detail: problem.message }) }, 'call completed')
  }
}

function statusOf(problem: AppError): { code: status; details: string } {
  const details = problem.status === 500 ? 'the error is in the log of the service' : describePlainly(problem)
  return { code: grpcStatusOf(problem), details }
}
