import { columnKindOf } from '../../preprocessing/columns/registry.ts'
import type { Manifest } from '../manifest.ts'
import { type UsedColumn, usedColumns } from './used-columns.ts'

/**
 * How a table is encoded, for programs that do it themselves: each column with its figures, and the meaning of each input of
 * the network in order; null where features have no names.
 */
export function describeEncoding(manifest: Pick<Manifest, 'preprocessing' | 'input'>) {
  const columns = usedColumns(manifest)
  if (!columns) return null
  let from = 0
  return {
    description:
      'The inputs of the network, column after column. Missing cells are null. numeric and datetime (milliseconds since ' +
      '1970, UTC): fill where missing; clip; with log1p sign(x) · log(1 + |x|); (x − center) / spread. boolean: 0 or 1. ' +
      'categorical: one-hot over `categories`, or its place / (count − 1). Parts of a time: sine and cosine of 2π times how ' +
      'far it has come round.',
    columns: columns.map(column => {
      const inputs = meaningsOf(column)
      const own = { name: column.name, type: column.type, ...column.fitted, firstInput: from, inputs }
      from += inputs.length
      return own
    }),
  }
}

function meaningsOf({ type, fitted }: UsedColumn): string[] {
  // A fitted column is a spec but for how its filling was found; a category of its own is for missing ones.
  const spec = 'fill' in fitted && fitted.fill === null ? { ...fitted, impute: 'category' as const } : fitted
  return (
    columnKindOf(type)?.inputs(
      spec as Parameters<NonNullable<ReturnType<typeof columnKindOf>>['inputs']>[0],
    ) ?? []
  )
}
