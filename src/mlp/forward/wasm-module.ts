/** Instructions as bytes, nested as they were put together. */
export type Code = readonly (number | Code)[]

/** A function of a module: its parameters come first among its locals. */
export interface WasmFunction {
  name: string
  parameters: readonly ValueType[]
  results: readonly ValueType[]
  locals: readonly ValueType[]
  body: Code
}

/** @see WebAssembly core specification 2.0, section 5.3 */
export const I32 = 0x7f
export const F32 = 0x7d
export const V128 = 0x7b
type ValueType = typeof I32 | typeof F32 | typeof V128

const simd = (opcode: number) => [0xfd, ...unsigned(opcode)]
const memory = (offset: number): Code => [2, unsigned(offset)] // aligned to four bytes at least

/** The instructions that the kernels need. @see section 5.4 of the specification */
export const op = {
  get: (local: number): Code => [0x20, unsigned(local)],
  set: (local: number): Code => [0x21, unsigned(local)],
  int: (value: number): Code => [0x41, signed(value)],
  zero: [0x43, 0, 0, 0, 0],
  add: [0x6a],
  shiftLeft: [0x74],
  isBelow: [0x49],
  isDifferent: [0x5c],
  loadInt: (offset = 0): Code => [0x28, memory(offset)],
  loadFloat: (offset = 0): Code => [0x2a, memory(offset)],
  storeInt: (offset = 0): Code => [0x36, memory(offset)],
  storeFloat: (offset = 0): Code => [0x38, memory(offset)],
  loadFour: (offset: number): Code => [simd(0x00), memory(offset)],
  loadSplat: (offset: number): Code => [simd(0x09), memory(offset)],
  storeFour: (offset: number): Code => [simd(0x0b), memory(offset)],
  splat: simd(0x13),
  addFour: simd(0xe4),
  multiplyFour: simd(0xe6),
  maxFour: simd(0xe9),
  /** Runs the body while the i32 of `condition` is not 0. */
  while: (condition: Code, body: Code): Code => [
    [0x02, 0x40, 0x03, 0x40], // block, loop, both without a result
    condition,
    [0x45, 0x0d, 1], // leave the block when it is 0
    body,
    [0x0c, 0, 0x0b, 0x0b], // go on with the loop; both end
  ],
} as const

/**
 * The bytes of a module that imports its memory as `env.memory` and exports its functions by their names.
 * @see WebAssembly core specification 2.0, section 5.5
 */
export function encodeModule(functions: readonly WasmFunction[]): Uint8Array<ArrayBuffer> {
  const types = functions.map(({ parameters, results }) => [0x60, vector(parameters), vector(results)])
  const imported = [text('env'), text('memory'), 0x02, 0x00, unsigned(0)] // a memory, no maximum, 0 pages at least
  const exports = functions.map(({ name }, index) => [text(name), 0x00, unsigned(index)])
  const bodies = functions.map(({ locals, body }) => {
    const code = flatten([vector(locals.map(type => [unsigned(1), type])), body, 0x0b])
    return [unsigned(code.length), code]
  })
  return Uint8Array.from(
    flatten([
      [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
      section(1, vector(types)),
      section(2, vector([imported])),
      section(3, vector(functions.map((_, index) => unsigned(index)))),
      section(7, vector(exports)),
      section(10, vector(bodies)),
    ]),
  )
}

function section(id: number, content: Code): Code {
  const bytes = flatten(content)
  return [id, unsigned(bytes.length), bytes]
}

function vector(items: Code): Code {
  return [unsigned(items.length), items]
}

function text(name: string): Code {
  return vector([...Buffer.from(name)])
}

function flatten(code: Code): number[] {
  return code.flatMap(item => (typeof item === 'number' ? [item] : flatten(item)))
}

/** LEB128. @see section 5.2.2 of the specification */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)]
}

function signed(value: number): number[] {
  return value >= -0x40 && value < 0x40 ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(value >> 7)]
}
