import { createWriteStream } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { expect, it } from 'vitest'
import { createArchive } from '../../../../src/models/exports/archive.ts'
import { writeKeras } from '../../../../src/models/keras/write-keras.ts'
import { createEncoder } from '../../../../src/preprocessing/encoder.ts'
import {
  ARRAY_CASES,
  createCase,
  createTableCase,
  type ExportCase,
  expectSameAnswers,
} from '../../../helpers/exported-models.ts'
import { createTestFolder } from '../../../helpers/folder.ts'
import { hasPython, PYTHON_TEST, runPython } from '../../../helpers/peers-python.ts'

const RUN = `
import json, pathlib, sys
import numpy as np, keras
for folder in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    model = keras.saving.load_model(folder / 'model.keras')
    shape = json.loads((folder / 'shape.json').read_text())
    inputs = np.fromfile(folder / 'inputs.bin', '<f4').reshape(shape)
    np.asarray(model(inputs, training=False)).astype('<f4').tofile(folder / 'answers.bin')
    (folder / 'parameters').write_text(str(model.count_params()))
`

const hasKeras = await hasPython('keras', 'tensorflow')

/** What goes in: features in their own units, of a table encoded ones. */
function inputsOf({ model, features, count }: ExportCase): { inputs: Float32Array; shape: number[] } {
  const { preprocessing, input } = model.manifest
  if (!input.columns) return { inputs: Float32Array.from(features), shape: [count, ...input.shape] }
  const { encode, inputUnits } = createEncoder(preprocessing, input.columns, input.shape)
  return { inputs: Float32Array.from(encode(features, count)), shape: [count, inputUnits] }
}

it.skipIf(!hasKeras)(
  'an exported Keras model answers in Keras as the service does, for every network and preprocessing (needs node bench/setup-peers.mjs)',
  PYTHON_TEST,
  async () => {
    const folder = await createTestFolder()
    const cases = Object.entries({
      ...Object.fromEntries(Object.entries(ARRAY_CASES).map(([name, parts]) => [name, createCase(parts)])),
      'a table': createTableCase(),
      'a table of a regression': createTableCase('regression'),
    }).map(([name, made], index) => [name, made, path.join(folder, String(index).padStart(3, '0'))] as const)
    for (const [, made, own] of cases) {
      await mkdir(own)
      const { inputs, shape } = inputsOf(made)
      const archive = createArchive(await writeKeras(made.model), made.model.createdAt)
      await pipeline(archive, createWriteStream(path.join(own, 'model.keras')))
      await writeFile(path.join(own, 'inputs.bin'), inputs)
      await writeFile(path.join(own, 'shape.json'), JSON.stringify(shape))
    }
    await runPython(RUN, folder)
    for (const [name, made, own] of cases) {
      const { buffer } = new Uint8Array(await readFile(path.join(own, 'answers.bin')))
      const theirs = new Float32Array(buffer)
      // One sigmoid unit stays one: it gives the second of the two classes.
      const answers = theirs.length === made.count ? withFirst(theirs, made) : theirs
      expect(() => expectSameAnswers(made, answers), name).not.toThrow()
      const parameters = Number(await readFile(path.join(own, 'parameters'), 'utf8'))
      expect(parameters, name).toBe(made.model.manifest.parameterCount)
    }
  },
)

function withFirst(second: Float32Array, { model }: ExportCase): Float32Array {
  if (model.manifest.kind === 'regression') return second
  return Float32Array.from([...second].flatMap(probability => [1 - probability, probability]))
}
