import { createWriteStream } from 'node:fs'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { describe, expect, it } from 'vitest'
import { createArchive } from '../../../../src/models/exports/archive.ts'
import { writeNpz } from '../../../../src/models/npz/write-npz.ts'
import { createCase } from '../../../helpers/exported-models.ts'
import { createTestFolder } from '../../../helpers/folder.ts'
import { hasPython, PYTHON_TEST, runPython } from '../../../helpers/peers-python.ts'

const { model } = createCase({
  layers: [
    { type: 'dense', units: 7, activation: 'relu' },
    { type: 'batchNormalization' },
    { type: 'dense', units: 3, activation: 'softmax' },
  ],
})
const hasNumpy = await hasPython('numpy')

describe('an NPZ archive', () => {
  it('holds every array of the model as NumPy writes it', () => {
    const files = writeNpz(model)
    expect(files.map(({ name }) => name)).toEqual(model.manifest.weights.map(({ name }) => `${name}.npy`))
    for (const [index, { content }] of files.entries()) {
      const { name = '', shape } = model.manifest.weights[index] ?? {}
      const bytes = Buffer.from(content)
      const end = 10 + bytes.readUInt16LE(8)
      expect(end % 64).toBe(0)
      expect(bytes.subarray(0, 8).toString('latin1')).toBe('\x93NUMPY\x01\x00')
      const tuple = shape?.length === 1 ? `(${shape[0]},)` : `(${shape?.join(', ')})`
      const header = bytes.subarray(10, end).toString('latin1')
      expect(header.trimEnd()).toBe(`{'descr': '<f4', 'fortran_order': False, 'shape': ${tuple}, }`)
      expect(new Float32Array(new Uint8Array(bytes.subarray(end)).buffer)).toEqual(model.weights.get(name))
    }
  })

  it.skipIf(!hasNumpy)('is read by NumPy (needs node bench/setup-peers.mjs)', PYTHON_TEST, async () => {
    const file = path.join(await createTestFolder(), 'weights.npz')
    await pipeline(createArchive(writeNpz(model), model.createdAt), createWriteStream(file))
    const code = `import json, sys, numpy as np
print(json.dumps({name: [list(array.shape), str(array.dtype), array.ravel().tolist()] for name, array in np.load(sys.argv[1]).items()}))`
    const read = JSON.parse(await runPython(code, file))
    const expected = model.manifest.weights.map(({ name, shape }) => [
      name,
      [shape, 'float32', [...(model.weights.get(name) ?? [])]],
    ])
    expect(read).toEqual(Object.fromEntries(expected))
  })
})
