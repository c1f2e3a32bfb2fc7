import type { ExportedModel } from './exported-model.ts'

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
