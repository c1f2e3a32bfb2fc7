import { fieldError, pointerToken } from '../../errors.ts'
import { findCut, type NumberArray } from '../named-inputs/cut-numbers.ts'
import { INPUT_NAME } from '../named-inputs/model-interface.ts'
import type { NamedInput } from '../named-inputs/named-input.ts'
import { isBytes, readValues } from './json-values.ts'
import type { ExamplesRequestJson, PredictRequestJson } from './schemas.ts'

/** Fields of a request that may be one large array, and how deep they stand. */
export const ARRAY_FIELDS = { keys: new Set(['instances', 'inputs']), depth: 1 }

/** Inputs, and how they were written. */
export interface PredictInputs {
  format: 'row' | 'columnar'
  inputs: NamedInput[]
}

/**
 * The inputs of a request to predict.
 * @param arrays - which were cut out of its text
 * @throws {AppError} INPUT_INVALID, IMAGE_INVALID
 */
export function readPredictInputs(
  { instances, inputs }: PredictRequestJson,
  arrays: readonly NumberArray[],
): PredictInputs {
  if ((instances === undefined) === (inputs === undefined)) {
    const received = instances === undefined ? 'neither' : 'both'
    throw fieldError('INPUT_INVALID', '', `there must be either instances or inputs; received ${received}`)
  }
  if (inputs !== undefined) return { format: 'columnar', inputs: readColumns(inputs, arrays) }
  const cut = findCut(instances, arrays)
  if (cut) return { format: 'row', inputs: [wholeArray(cut, '/instances')] }
  if (!Array.isArray(instances)) throw fieldError('INPUT_INVALID', '/instances', 'must be a list')
  return { format: 'row', inputs: readRows(instances, '/instances') }
}

/** The inputs of a request to classify or regress. @throws {AppError} INPUT_INVALID, IMAGE_INVALID */
export function readExamples({ examples, context = {} }: ExamplesRequestJson): NamedInput[] {
  const [shared] = Object.keys(context).filter(name => examples.some(example => Object.hasOwn(example, name)))
  if (shared !== undefined) {
    const detail = `a feature of the context must not be in the examples; ${shared} is`
    throw fieldError('INPUT_INVALID', `/context/${pointerToken(shared)}`, detail)
  }
  return transpose(
    examples.map(example => ({ ...example, ...context })),
    '/examples',
  )
}

function readColumns(inputs: unknown, arrays: readonly NumberArray[]): NamedInput[] {
  const cut = findCut(inputs, arrays)
  if (cut) return [wholeArray(cut, '/inputs')]
  const named = isNamed(inputs) ? Object.entries(inputs) : [[INPUT_NAME, inputs] as const]
  return named.map(([name, value]) => {
    const pointer = isNamed(inputs) ? `/inputs/${pointerToken(name)}` : '/inputs'
    return { name, pointer, pointerOf: index => `${pointer}/${index}`, values: readValues(value, pointer) }
  })
}

/** Rows are objects of named inputs, or the values of the only input. */
function readRows(rows: readonly unknown[], pointer: string): NamedInput[] {
  if (rows.length > 0 && rows.every(isNamed)) return transpose(rows, pointer)
  const values = readValues(rows, pointer)
  return [{ name: INPUT_NAME, pointer, pointerOf: index => `${pointer}/${index}`, values }]
}

/** @throws {AppError} INPUT_INVALID when rows have different names */
function transpose(rows: readonly Record<string, unknown>[], pointer: string): NamedInput[] {
  const names = [...new Set(rows.flatMap(row => Object.keys(row)))]
  return names.map(name => {
    const missing = rows.findIndex(row => !Object.hasOwn(row, name))
    if (missing !== -1)
      throw fieldError('INPUT_INVALID', `${pointer}/${missing}`, `must have ${name} as others do`)
    return {
      name,
      pointer,
      pointerOf: index => `${pointer}/${index}/${pointerToken(name)}`,
      values: readValues(
        rows.map(row => row[name]),
        pointer,
      ),
    }
  })
}

function wholeArray({ numbers, shape }: NumberArray, pointer: string): NamedInput {
  const [, ...rest] = shape
  const units = rest.reduce((product, length) => product * length, 1)
  return {
    name: INPUT_NAME,
    pointer,
    pointerOf: index => `${pointer}/${Math.floor(index / units)}`,
    values: { kind: 'numbers', numbers, shape },
  }
}

function isNamed(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isBytes(value)
}
