import { AppError } from '../../../errors.ts'
import { readProto } from './codec.ts'
import type { Service } from './method.ts'

const NAME = 'grpc.health.v1.Health'

/** @see https://github.com/grpc/grpc-proto/blob/master/grpc/health/v1/health.proto, whose names and numbers these are */
const codecOf = readProto(`
  syntax = "proto3";
  package grpc.health.v1;
  message HealthCheckRequest { string service = 1; }
  message HealthCheckResponse {
    enum ServingStatus { UNKNOWN = 0; SERVING = 1; NOT_SERVING = 2; SERVICE_UNKNOWN = 3; }
    ServingStatus status = 1;
  }
`)

/**
 * The health that Kubernetes and proxies ask for: whether predictions can be answered. Without `Watch`, which a server
 * need not have: who wants to know asks.
 * @param services - that it speaks for, besides the server as a whole, whose name is empty
 * @see https://github.com/grpc/grpc/blob/master/doc/health-checking.md
 */
export function createHealthService(services: readonly string[], isReady: () => Promise<boolean>): Service {
  const known = ['', ...services]
  return {
    name: NAME,
    codecOf: (method, kind) => codecOf(`${NAME}${method}${kind}`),
    methods: {
      Check: {
        needsNoKey: true,
        async answer(request) {
          const { service } = request as { service: string }
          if (!known.includes(service)) {
            throw new AppError('NOT_FOUND', `the service must be one of this server's; received ${service}`)
          }
          return { status: (await isReady()) ? 'SERVING' : 'NOT_SERVING' }
        },
      },
    },
  }
}
