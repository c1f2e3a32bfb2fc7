import type { ExportedFile, ExportedModel } from './exported-model.ts'
import type { ExportFormat } from './format-names.ts'
import { FORMATS } from './formats.ts'

/** A format that is not stored already, and is written when it is asked for. */
export type WrittenFormat = Exclude<ExportFormat, 'tfjs'>

/** Writes the files of a model in a format; a format that is one file gives one, whatever it is called. */
export async function writeExport(format: WrittenFormat, model: ExportedModel): Promise<ExportedFile[]> {
  const chosen = FORMATS[format]
  return chosen.kind === 'archive'
    ? chosen.write(model)
    : [{ name: format, content: await chosen.write(model) }]
}
