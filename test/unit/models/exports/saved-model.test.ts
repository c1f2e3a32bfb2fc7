import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, it } from 'vitest'
import { writeSavedModel } from '../../../../src/models/tensorflow/write-saved-model.ts'
import {
  ARRAY_CASES,
  CENTERED_CASES,
  COLUMNS,
  createCase,
  createTableCase,
  type ExportCase,
  expectSameAnswers,
  textsOf,
} from '../../../helpers/exported-models.ts'
import { createTestFolder } from '../../../helpers/folder.ts'
import { hasPython, PYTHON_TEST, runPython } from '../../../helpers/peers-python.ts'

/** Feeds `inputs.json` of each folder to the signature of the model in it. */
const RUN = `
import json, pathlib, sys
import numpy as np, tensorflow as tf
for folder in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    serve = tf.saved_model.load(str(folder)).signatures['serving_default']
    inputs = json.loads((folder / 'inputs.json').read_text())
    feeds = {name: tf.constant(
        np.array([np.nan if value is None else value for value in one['values']], dtype=one['dtype']).reshape(one['shape']))
        for name, one in inputs.items()}
    (answers,) = serve(**feeds).values()
    answers.numpy().astype('<f4').tofile(folder / 'answers.bin')
`

const hasTensorflow = await hasPython('tensorflow')

/** Runs all cases in one process: TensorFlow takes seconds to start. */
async function runAll(cases: Record<string, ExportCase>): Promise<void> {
  const folder = await createTestFolder()
  const folders = Object.entries(cases).map(
    ([name, made], index) => [name, made, path.join(folder, String(index).padStart(3, '0'))] as const,
  )
  for (const [, made, own] of folders) {
    await mkdir(own)
    for (const { name, content } of writeSavedModel(made.model))
      await writeFile(path.join(own, name), content)
    await writeFile(path.join(own, 'inputs.json'), JSON.stringify(inputsOf(made)))
  }
  await runPython(RUN, folder)
  for (const [name, made, own] of folders) {
    const { buffer } = new Uint8Array(await readFile(path.join(own, 'answers.bin')))
    expect(() => expectSameAnswers(made, new Float32Array(buffer)), name).not.toThrow()
  }
}

function inputsOf(made: ExportCase): Record<string, object> {
  const { shape, dtype, columns } = made.model.manifest.input
  const values = Array.from(made.features)
  if (!columns) return { input: { values, shape: [made.count, ...shape], dtype } }
  return Object.fromEntries(
    COLUMNS.flatMap(({ name, type }, place) => {
      if (type === 'id') return []
      const cells = values.filter((_, index) => index % COLUMNS.length === place)
      const isText = type === 'categorical'
      const own = { values: isText ? textsOf(made, place) : cells, dtype: isText ? 'object' : 'float64' }
      return [[name, { ...own, shape: [made.count, 1] }]]
    }),
  )
}

it.skipIf(!hasTensorflow)(
  'an exported SavedModel answers in TensorFlow as the service does, for every network and preprocessing (needs node bench/setup-peers.mjs)',
  PYTHON_TEST,
  async () => {
    const arrays = Object.entries({ ...ARRAY_CASES, ...CENTERED_CASES })
    await runAll({
      ...Object.fromEntries(arrays.map(([name, parts]) => [name, createCase(parts)])),
      'a table': createTableCase(),
      'a table of a regression': createTableCase('regression'),
    })
  },
)
