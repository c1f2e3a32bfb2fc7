import { leftOut, takesColumns } from './carried.ts'
import type { ExportedModel } from './exported-model.ts'
import type { ExportFormat } from './format-names.ts'
import { usedColumns } from './used-columns.ts'

/** What is said of a model where a format has room for texts. */
export function describeMetadata({
  name,
  version,
  manifest,
  manifestText,
}: ExportedModel): Record<string, string> {
  return {
    model: name,
    version: String(version),
    task: manifest.kind,
    classes: JSON.stringify(manifest.classes),
    ...(manifest.targets && { targets: JSON.stringify(manifest.targets) }),
    ...(manifest.calibration && { temperature: String(manifest.calibration.temperature) }),
    manifest: manifestText,
  }
}

/** What an export takes, what it gives, and what it leaves to its user; in Markdown. */
export function describeExport(format: ExportFormat, { name, version, manifest }: ExportedModel): string {
  const missing = leftOut(format, manifest)
  return [
    `# ${name}, version ${version}`,
    '',
    `Takes ${inputsOf(format, manifest)}.`,
    `Gives ${outputsOf(manifest)}.`,
    '',
    missing.length === 0
      ? 'The export does all that the service does.'
      : 'Left to you, which the service does:',
    ...(missing.length === 0 ? [] : ['', ...missing.map(sentence => `- ${sentence}`)]),
    '',
  ].join('\n')
}

function inputsOf(format: ExportFormat, manifest: ExportedModel['manifest']): string {
  const columns = usedColumns(manifest)
  const { shape } = manifest.input
  if (!columns) return `${shape.join(' × ')} numbers for each example, in the units of the training data`
  if (!takesColumns(format)) return 'the encoded columns of a table'
  const names = columns.map(({ name, type }) => `\`${name}\` (${type})`).join(', ')
  return `the columns of a table, each by its name: ${names}. Numbers are float64 and NaN where they are missing, times in \
milliseconds since 1970; categories are texts, and empty where they are missing`
}

function outputsOf({ kind, classes, targets = [] }: ExportedModel['manifest']): string {
  if (kind === 'regression') return `numbers: ${targets.join(', ')}`
  return `a probability for each of: ${classes.join(', ')}`
}
