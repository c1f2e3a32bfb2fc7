import type { ServerUnaryCall } from '@grpc/grpc-js'
import type { Codec } from './codec.ts'

/** A method: answers a message with a message. */
export interface Method {
  /** Anybody may ask, as for signs of life. */
  needsNoKey?: boolean
  answer(request: object, call: ServerUnaryCall<object, object>): Promise<object>
}

/** A service: its full name, its methods by theirs, and how their messages are written. */
export interface Service {
  name: string
  methods: Readonly<Record<string, Method>>
  /** @param kind - which of the two messages of a method */
  codecOf(method: string, kind: 'Request' | 'Response'): Codec
}
