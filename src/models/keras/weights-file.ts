import { AssertionError } from 'node:assert'
import { randomUUID } from 'node:crypto'
import type { Group } from 'h5wasm'
import type { PlacedLayer } from '../../mlp/network.ts'
import type { KerasObject } from './layers.ts'
import { kerasFolders, kerasVariables } from './names.ts'

/**
 * The bytes of `model.weights.h5`: `/layers/dense/vars/0`, … HDF5 writes into a file system of its own in memory.
 * @param layers - in order, with ours where they have variables
 * @see keras/src/saving/saving_lib.py, `_save_state`
 */
export async function writeWeights(
  layers: readonly { keras: KerasObject; placed: PlacedLayer | null }[],
  weights: ReadonlyMap<string, Float32Array>,
): Promise<Uint8Array> {
  const { File, ready } = await import('h5wasm') // megabytes of wasm, which few processes need
  const { FS } = await ready
  const path = `/${randomUUID()}.h5`
  const file = new File(path, 'w')
  try {
    const root = file.create_group('layers')
    const folders = kerasFolders(layers.map(({ keras }) => keras.class_name))
    for (const [index, { placed }] of layers.entries()) {
      const variables = placed ? kerasVariables(placed.layer) : []
      if (!placed || variables.length === 0) continue
      const group = root.create_group(`${folders[index]}`).create_group('vars')
      for (const [place, variable] of variables.entries()) {
        writeVariable(group, String(place), placed, variable, weights)
      }
    }
    file.close()
    return FS.readFile(path)
  } finally {
    FS.unlink(path)
  }
}

function writeVariable(
  group: Group,
  place: string,
  { name, inputUnits, outputUnits }: PlacedLayer,
  variable: string,
  weights: ReadonlyMap<string, Float32Array>,
): void {
  const data = weights.get(`${name}/${variable}`)
  if (!data) throw new AssertionError({ message: `the weights must hold ${name}/${variable}` })
  const shape = variable === 'kernel' ? [inputUnits, outputUnits] : [outputUnits]
  group.create_dataset({ name: place, data, shape, dtype: '<f4' })
}
