import type { Column } from '../datasets/columns.ts'
import type { DatasetContent } from '../datasets/content.ts'
import { type FieldError, pointerToken } from '../errors.ts'
import { ColumnOptionError } from './columns/column-kind.ts'
import type { ColumnOption, ColumnRequest } from './columns/column-request.ts'
import { type ColumnSpec, columnKindOf, isInputByDefault } from './columns/registry.ts'
import { PLAIN_IMAGES } from './images.ts'
import {
  BYTE_SCALE,
  type Preprocessing,
  type PreprocessingRequest,
  type TargetScaling,
} from './preprocessing.ts'

type Content = Pick<DatasetContent, 'kind' | 'columns' | 'dtype' | 'task'>

/**
 * Fills in the defaults.
 * @returns everything that is wrong when the request does not fit the dataset; pointers begin at `/preprocessing`
 */
export function resolvePreprocessing(
  request: PreprocessingRequest,
  content: Content,
): Preprocessing | { errors: FieldError[] } {
  const target = resolveTarget(request, content)
  if ('errors' in target) return target
  const { columns } = content
  if (columns === null) return resolveNumbers(request, content, target)
  const wrong = (['scale', 'offset', 'standardize', 'image'] as const).filter(name => name in request)
  if (wrong.length > 0) {
    return { errors: wrong.map(name => at(`/${name}`, 'a table is prepared by columns')) }
  }
  return resolveTable(request, columns, target)
}

function resolveTarget(
  { target }: PreprocessingRequest,
  { task }: Content,
): { target?: TargetScaling } | { errors: FieldError[] } {
  if (task === 'regression') return { target: target ?? 'standardize' }
  if (target === undefined || target === 'none') return {}
  return { errors: [at('/target', `only the targets of a regression are scaled; the task is ${task}`)] }
}

function resolveNumbers(
  { scale, offset, standardize, columns, image }: PreprocessingRequest,
  { dtype, kind }: Content,
  target: { target?: TargetScaling },
): Preprocessing | { errors: FieldError[] } {
  if (columns) return { errors: [at('/columns', 'the features of this dataset have no names')] }
  if (standardize && (scale !== undefined || offset !== undefined)) {
    return { errors: [at('/standardize', 'must not be given together with scale or offset')] }
  }
  if (image && (kind !== 'image' || dtype !== 'uint8')) {
    return { errors: [at('/image', 'the examples of this dataset are no images of bytes')] }
  }
  const rest = { ...(image && { image: { ...PLAIN_IMAGES, ...image } }), ...target }
  const factor = scale ?? (dtype === 'uint8' ? BYTE_SCALE : 1)
  if (standardize) return { standardize, ...rest }
  return { scale: factor, ...(offset !== undefined && { offset }), ...rest }
}

function resolveTable(
  request: PreprocessingRequest,
  columns: readonly Column[],
  target: { target?: TargetScaling },
): Preprocessing | { errors: FieldError[] } {
  const errors: FieldError[] = []
  const specs: [string, ColumnSpec | null][] = []
  for (const column of columns) {
    const asked = request.columns && Object.hasOwn(request.columns, column.name) // a column may be named `constructor`
    const resolved = resolveColumn(column, asked ? request.columns?.[column.name] : undefined)
    if (resolved && 'errors' in resolved) {
      errors.push(...resolved.errors)
      continue
    }
    specs.push([column.name, resolved])
  }
  const names = new Set(columns.map(({ name }) => name))
  for (const name of Object.keys(request.columns ?? {})) {
    if (!names.has(name))
      errors.push(at(`/columns/${pointerToken(name)}`, 'is no feature column of the dataset'))
  }
  if (errors.length === 0 && specs.every(([, spec]) => spec === null)) {
    errors.push(
      at('/columns', 'at least one column must be used: all are constant, id-like, text or switched off'),
    )
  }
  if (errors.length > 0) return { errors }
  return { columns: Object.fromEntries(specs), ...target }
}

function resolveColumn(
  column: Column,
  request: ColumnRequest | null | undefined,
): ColumnSpec | null | { errors: FieldError[] } {
  if (request === null || (request === undefined && !isInputByDefault(column))) return null
  const pointer = `/columns/${pointerToken(column.name)}`
  const kind = columnKindOf(column.type)
  if (!kind) {
    const advice = column.type === 'text' ? 'free text needs other networks' : 'it only names its row'
    return { errors: [at(pointer, `a column of type ${column.type} cannot be an input: ${advice}`)] }
  }
  const given = Object.keys(request ?? {}) as ColumnOption[]
  const foreign = given.filter(option => !kind.options.includes(option))
  if (foreign.length > 0) {
    const allowed = kind.options.join(', ')
    return {
      errors: foreign.map(option =>
        at(`${pointer}/${option}`, `a column of type ${column.type} takes ${allowed}`),
      ),
    }
  }
  try {
    return kind.resolve(column, request ?? {})
  } catch (error) {
    if (!(error instanceof ColumnOptionError)) throw error
    return { errors: [at(`${pointer}/${error.option}`, error.message)] }
  }
}

function at(pointer: string, detail: string): FieldError {
  return { pointer: `/preprocessing${pointer}`, detail }
}
