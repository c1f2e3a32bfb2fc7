/** Texts that mean that a value is missing, in small letters; they are compared without regard to case. */
const MISSING = new Set(['', 'na', 'n/a', 'nan', 'null', 'none', '?'])

/** Texts of a boolean column, in small letters. */
const BOOLEANS = new Map([
  ['true', 1],
  ['false', 0],
  ['yes', 1],
  ['no', 0],
  ['t', 1],
  ['f', 0],
  ['y', 1],
  ['n', 0],
  ['1', 1],
  ['0', 0],
])

/** Whether a text says that there is no value: nothing, `NA`, `N/A`, `NaN`, `null`, `None`, `?`. */
export function isMissing(text: string): boolean {
  return text.length <= 4 && MISSING.has(text.toLowerCase())
}

/** 1 or 0 of `true`, `false`, `yes`, `no`, `t`, `f`, `y`, `n`, `1`, `0` in any case; NaN of anything else. */
export function parseBoolean(text: string): number {
  return text.length <= 5 ? (BOOLEANS.get(text.toLowerCase()) ?? Number.NaN) : Number.NaN
}

/** Whether a text says that a number is infinite, as Python and others write it. */
export function isInfinity(text: string): boolean {
  return text.length <= 9 && /^[+-]?inf(inity)?$/i.test(text)
}

/** Whether a text can be kept as JSON in Postgres: without NUL and without halves of characters. */
export function isStorable(text: string): boolean {
  return !text.includes('\0') && !/\p{Surrogate}/u.test(text)
}
