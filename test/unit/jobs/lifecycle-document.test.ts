import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { TERMINAL_STATUSES, TRANSITIONS } from '../../../src/jobs/lifecycle.ts'

const DOCUMENT = fileURLToPath(new URL('../../../docs/job-lifecycle.md', import.meta.url))
const GENERATED = /(?<=<!-- generated -->\n)[\s\S]*(?=<!-- \/generated -->)/

/** The table as a state diagram of Mermaid, and as a table with its events. */
function draw(): string {
  const ways = Object.entries(TRANSITIONS)
  const arrows = ways.flatMap(([name, { from, to }]) => from.map(status => `  ${status} --> ${to}: ${name}`))
  const ends = TERMINAL_STATUSES.map(status => `  ${status} --> [*]`)
  const rows = ways.map(
    ([name, { from, to, event }]) => `| ${name} | ${from.join(', ')} | ${to} | \`${event}\` |`,
  )
  return [
    '```mermaid',
    'stateDiagram-v2',
    '  [*] --> queued: submit',
    ...arrows,
    ...ends,
    '```',
    '',
    '| what happens | from | to | event |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}

it('docs/job-lifecycle.md shows the table as it is', async () => {
  const text = readFileSync(DOCUMENT, 'utf8')
  expect(text).toMatch(GENERATED)
  await expect(text.replace(GENERATED, draw())).toMatchFileSnapshot(DOCUMENT)
})
