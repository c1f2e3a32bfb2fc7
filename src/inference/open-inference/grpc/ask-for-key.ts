import { type Metadata, ServerInterceptingCall, type ServerInterceptor } from '@grpc/grpc-js'
import { hashKey } from '../../../http/api-keys.ts'
import { type FindKeyId, keyRefused, readBearer } from '../../../http/auth.ts'

/** A call that is refused before its message is read. */
export interface RefusedCall {
  path: string
  peer: string
}

/** How the keys of calls are asked for. */
export interface KeyQuestion {
  findKeyId: FindKeyId
  /** @param path - of a method */
  needsKey(path: string): boolean
  /** Notes a call without a good key, and says how it ends. */
  onRefused(call: RefusedCall, error: unknown): { code: number; details: string }
}

/** An interceptor, and what it learnt of the calls that it let through, by their metadata. */
export interface KeyAsker {
  interceptor: ServerInterceptor
  keyIdOf(metadata: Metadata): string | null
}

/**
 * Asks for the key when only the metadata of a call is there: who has none makes us read, keep and decode no message.
 */
export function askForKey({ findKeyId, needsKey, onRefused }: KeyQuestion): KeyAsker {
  const keyIds = new WeakMap<Metadata, string>()
  return {
    keyIdOf: metadata => keyIds.get(metadata) ?? null,
    interceptor: ({ path }, call) =>
      new ServerInterceptingCall(call, {
        start: next =>
          next({
            onReceiveMetadata(metadata, goOn) {
              if (!needsKey(path)) return goOn(metadata)
              readKey(findKeyId, metadata).then(
                keyId => {
                  keyIds.set(metadata, keyId)
                  goOn(metadata)
                },
                error => call.sendStatus(onRefused({ path, peer: call.getPeer() }, error)),
              )
            },
          }),
      }),
  }
}

/** The id of the key in the metadata. @throws {AppError} UNAUTHENTICATED */
async function readKey(findKeyId: FindKeyId, metadata: Metadata): Promise<string> {
  const key = readBearer(metadata.get('authorization')[0]?.toString())
  const keyId = key === null ? null : await findKeyId(hashKey(key))
  if (keyId !== null) return keyId
  throw keyRefused('in the metadata, as "authorization: Bearer <key>"', key)
}
