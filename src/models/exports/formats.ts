import { writePage } from '../html/write-page.ts'
import { writeKeras } from '../keras/write-keras.ts'
import { writeNpz } from '../npz/write-npz.ts'
import { writeOnnx } from '../onnx/write-onnx.ts'
import { writeGraphModel } from '../tensorflow/write-graph-model.ts'
import { writeSavedModel } from '../tensorflow/write-saved-model.ts'
import type { ExportedFile, ExportedModel } from './exported-model.ts'
import type { ExportFormat } from './format-names.ts'

/** How a format is written: one file, or several in a ZIP. */
type Format = { suffix: string } & (
  | { kind: 'file'; contentType: string; write(model: ExportedModel): Promise<Uint8Array> | Uint8Array }
  | { kind: 'archive'; write(model: ExportedModel): Promise<ExportedFile[]> | ExportedFile[] }
)

/** Every format but `tfjs`, which versions are stored in. Suffixes come behind name and version. */
export const FORMATS: Record<Exclude<ExportFormat, 'tfjs'>, Format> = {
  'tfjs-graph': { suffix: '-tfjs-graph.zip', kind: 'archive', write: writeGraphModel },
  onnx: { suffix: '.onnx', kind: 'file', contentType: 'application/octet-stream', write: writeOnnx },
  keras: { suffix: '.keras', kind: 'archive', write: writeKeras },
  savedmodel: { suffix: '-savedmodel.zip', kind: 'archive', write: writeSavedModel },
  npz: { suffix: '.npz', kind: 'archive', write: writeNpz },
  html: {
    suffix: '.html',
    kind: 'file',
    contentType: 'text/html; charset=utf-8',
    write: async model => Buffer.from(await writePage(model)),
  },
}
