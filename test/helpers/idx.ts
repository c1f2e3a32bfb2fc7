import { createRandom } from '../../src/mlp/random.ts'

/** The bytes of an IDX file of unsigned bytes. */
export function idxFile(dimensions: readonly number[], values: Uint8Array): Buffer {
  const head = Buffer.alloc(4 + 4 * dimensions.length)
  head.writeUInt32BE(0x0800 + dimensions.length)
  dimensions.forEach((length, axis) => {
    head.writeUInt32BE(length, 4 + 4 * axis)
  })
  return Buffer.concat([head, values])
}

/**
 * A dataset that a small network learns within an epoch or two: images of `side` × `side` noise with a bright row
 * that tells the class.
 */
export function stripes(
  examples: number,
  classes = 3,
  side = 6,
  seed = 1,
): { images: Buffer; labels: Buffer } {
  const random = createRandom(seed, 'stripes')
  const pixels = new Uint8Array(examples * side * side)
  const labels = new Uint8Array(examples)
  for (let example = 0; example < examples; example++) {
    const label = example % classes
    labels[example] = label
    for (let pixel = 0; pixel < side * side; pixel++) {
      const isBright = Math.floor(pixel / side) === label
      pixels[example * side * side + pixel] = (isBright ? 155 : 0) + random.integer(100)
    }
  }
  return { images: idxFile([examples, side, side], pixels), labels: idxFile([examples], labels) }
}
