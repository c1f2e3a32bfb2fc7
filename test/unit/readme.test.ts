import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ConfigSchema } from '../../src/config.ts'
import { ERRORS } from '../../src/errors.ts'

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')

/** The names in code type in the first column of the tables of a section. */
function namesIn(section: string): string[] {
  const text = readme.split(/^## /m).find(part => part.startsWith(section)) ?? ''
  const cells = text.match(/^\| `[^|]*\|/gm) ?? []
  return cells.flatMap(cell => Array.from(cell.matchAll(/`([A-Z][A-Z0-9_]*)`/g), ([, name = '']) => name))
}

describe('the README lists', () => {
  it('every error code, and no other', () => {
    expect(namesIn('Errors').sort()).toEqual(Object.keys(ERRORS).sort())
  })

  it('every setting, and no other', () => {
    expect(namesIn('Settings').sort()).toEqual(Object.keys(ConfigSchema.properties).sort())
  })

  it('pages that exist', () => {
    const links = Array.from(readme.matchAll(/\]\(((?:docs|bench)\/[^)#]+)/g), ([, link = '']) => link)
    expect(links.length).toBeGreaterThan(10)
    for (const link of links)
      expect(readFileSync(new URL(`../../${link}`, import.meta.url), 'utf8'), link).not.toBe('')
  })
})
