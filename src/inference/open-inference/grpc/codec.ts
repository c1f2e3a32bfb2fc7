import protobuf from 'protobufjs'

// Numbers of 64 bits become JavaScript's; with this class, each of millions would be an object before.
Object.assign(protobuf.util, { Long: undefined })
protobuf.configure()

/** Writes and reads one kind of message. */
export interface Codec {
  encode(message: object): Buffer
  /** Fields that are absent have their defaults. @throws Error when the bytes are no such message */
  decode(bytes: Buffer): object
}

/** Gives the codecs of the messages in a .proto file, each by its full name. @throws Error when there is no such message */
export function readProto(proto: string): (name: string) => Codec {
  const { root } = protobuf.parse(proto)
  return name => {
    const type = root.lookupType(name)
    return {
      encode: message => Buffer.from(type.encode(type.fromObject(message)).finish()),
      decode: bytes => type.toObject(type.decode(bytes), { defaults: true }),
    }
  }
}
