import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { type Machine, machineLine } from './machine.ts'

/** Committed, so that the documentation can quote them with machine and date. */
const FOLDER = path.resolve('bench', 'results')

/**
 * Writes figures as JSON, whole, and as Markdown, to be quoted.
 * @param name - of the two files
 * @param notes - sentences above the tables: what was measured, and how
 */
export function writeResults(
  name: string,
  machine: Machine,
  figures: object,
  tables: readonly string[],
  notes: readonly string[],
): void {
  mkdirSync(FOLDER, { recursive: true })
  const rounded = (_: string, value: unknown) =>
    typeof value === 'number' ? Number(value.toPrecision(5)) : value
  writeFileSync(path.join(FOLDER, `${name}.json`), `${JSON.stringify({ machine, ...figures }, rounded, 1)}\n`)
  const text = [`Made by \`npm run bench -- ${name}\`: ${machineLine(machine)}`, notes.join('\n'), ...tables]
  writeFileSync(path.join(FOLDER, `${name}.md`), `${text.join('\n\n')}\n`)
  console.log(`\nWritten to ${path.relative('.', FOLDER)}: ${name}.json, ${name}.md`)
}
