import { bytesOf, type ExportedFile, type ExportedModel } from '../exports/exported-model.ts'

/** The header ends where a multiple of this many bytes does. */
const ALIGNMENT = 64

/** The weights of a model as the files of an NPZ archive: `dense_1/kernel.npy`, … @see numpy.savez */
export function writeNpz({ manifest, weights }: ExportedModel): ExportedFile[] {
  return manifest.weights.map(({ name, shape }) => ({
    name: `${name}.npy`,
    content: writeNpy(weights.get(name) ?? new Float32Array(), shape),
  }))
}

/**
 * An array as an NPY file, row by row.
 * @see https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html, version 1.0
 */
function writeNpy(values: Float32Array, shape: readonly number[]): Uint8Array {
  const lengths = shape.length === 1 ? `${shape[0]},` : shape.join(', ')
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${lengths}), }`
  const prefix = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, 0, 0])
  const unpadded = prefix.length + text.length + 1
  const padded = Math.ceil(unpadded / ALIGNMENT) * ALIGNMENT
  prefix.writeUInt16LE(padded - prefix.length, prefix.length - 2)
  const header = Buffer.from(`${text.padEnd(padded - prefix.length - 1)}\n`, 'latin1')
  return Buffer.concat([prefix, header, bytesOf(values)])
}
