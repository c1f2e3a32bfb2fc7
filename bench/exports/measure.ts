import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { EXPORT_FORMATS, type ExportFormat } from '../../src/models/exports/format-names.ts'
import { describeMachine } from '../machine.ts'
import { writeResults } from '../results.ts'
import { type BenchService, startBenchService } from '../serving/service.ts'
import { markdownTable } from '../table.ts'
import { mnistFolder } from '../training/jobs.ts'
import { FEATURES, readMnist } from '../training/mnist.ts'
import { runInChromium } from './chromium.ts'
import { runGraphModel, runLayersModel, runOnnx } from './node-runtimes.ts'
import { runInPython } from './python.ts'

/** Images of the test part of MNIST. */
export const IMAGES = 10_000

/** Classes of the model. */
export const CLASSES = 10

/** Images of one request. */
const REQUEST = 500

/** Gives `[IMAGES, CLASSES]` probabilities of a downloaded file; null where its runtime is not there. */
export type Runtime = (file: Buffer, images: Uint8Array, folder: string) => Promise<Float32Array | null>

const RUNTIMES: Record<ExportFormat, { name: string; run: Runtime }> = {
  tfjs: { name: 'tfjs-layers', run: runLayersModel },
  'tfjs-graph': { name: 'tfjs-converter', run: runGraphModel },
  onnx: { name: 'onnxruntime-node', run: runOnnx },
  keras: { name: 'Keras', run: runInPython('keras') },
  savedmodel: { name: 'TensorFlow', run: runInPython('savedmodel') },
  npz: { name: 'NumPy', run: runInPython('npz') },
  html: { name: 'Chromium', run: runInChromium },
}

interface Row {
  format: ExportFormat
  runtime: string
  bytes: number
  milliseconds: number
  /** Null: the runtime is not there. */
  parity: { difference: number; sameBest: number } | null
}

/**
 * Every export of a model of MNIST, run in its own runtime on the 10,000 test images, beside the answers of the service
 * itself.
 */
export async function benchExports(): Promise<void> {
  const machine = describeMachine()
  const folder = await mkdtemp(path.join(os.tmpdir(), 'trainyard-exports-'))
  const service = await startBenchService()
  try {
    await service.train('digits', { epochs: 3, seed: 1 })
    const images = new Uint8Array(readMnist(mnistFolder(), 't10k').features)
    const ours = await askService(service, images)
    const rows: Row[] = []
    for (const format of EXPORT_FORMATS) {
      const { name, run } = RUNTIMES[format]
      const from = performance.now()
      const file = await service.client.download(`/v1/models/digits/versions/1/artifact?format=${format}`)
      const milliseconds = performance.now() - from
      const theirs = await run(file, images, folder)
      rows.push({
        format,
        runtime: name,
        bytes: file.length,
        milliseconds,
        parity: theirs && compare(ours, theirs),
      })
    }
    const table = describe(rows)
    console.log(table)
    writeResults(
      'exports',
      machine,
      { rows },
      [table],
      [
        `The exports of one model (784-128-64-10, MNIST) on the ${IMAGES} test images, beside the answers of the service.`,
      ],
    )
  } finally {
    await service.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

async function askService({ client }: BenchService, images: Uint8Array): Promise<Float32Array> {
  const { classes } = await client.get<{ classes: string[] }>('/v1/models/digits/versions/1')
  const all = new Float32Array(IMAGES * CLASSES)
  for (let from = 0; from < IMAGES; from += REQUEST) {
    const instances = Array.from({ length: REQUEST }, (_, index) =>
      Array.from(images.subarray((from + index) * FEATURES, (from + index + 1) * FEATURES)),
    )
    const { predictions } = await client.post<{
      predictions: { top: { label: string; probability: number }[] }[]
    }>(`/v1/models/digits/versions/1/predict?topK=${CLASSES}`, { instances })
    for (const [index, { top }] of predictions.entries()) {
      for (const { label, probability } of top) {
        all[(from + index) * CLASSES + classes.indexOf(label)] = probability
      }
    }
  }
  return all
}

function compare(ours: Float32Array, theirs: Float32Array): NonNullable<Row['parity']> {
  if (theirs.length !== ours.length) throw new Error(`${theirs.length} probabilities for ${ours.length}`)
  const bestOf = (all: Float32Array, image: number) => {
    const row = all.subarray(image * CLASSES, (image + 1) * CLASSES)
    return row.indexOf(Math.max(...row))
  }
  let difference = 0
  ours.forEach((probability, index) => {
    difference = Math.max(difference, Math.abs(probability - (theirs[index] ?? Number.NaN)))
  })
  let sameBest = 0
  for (let image = 0; image < IMAGES; image++) if (bestOf(ours, image) === bestOf(theirs, image)) sameBest++
  return { difference, sameBest }
}

function describe(rows: readonly Row[]): string {
  const header = ['format', 'run by', 'kB', 'made in ms', 'largest difference', 'same best class']
  return markdownTable(
    header,
    rows.map(({ format, runtime, bytes, milliseconds, parity }) => [
      format,
      runtime,
      (bytes / 1000).toFixed(0),
      milliseconds.toFixed(0),
      parity ? parity.difference.toExponential(1) : 'not there',
      parity ? `${((parity.sameBest / IMAGES) * 100).toFixed(2)} %` : '–',
    ]),
  )
}
