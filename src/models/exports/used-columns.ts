import type { ColumnType } from '../../datasets/columns.ts'
import type { FittedColumn } from '../../preprocessing/columns/registry.ts'
import type { Manifest } from '../manifest.ts'

/** A column of a table that goes into the network. */
export interface UsedColumn {
  name: string
  type: ColumnType
  fitted: FittedColumn
}

/** The columns of a table that are used, in the order of the network's inputs; null where features have no names. */
export function usedColumns({ preprocessing, input }: Pick<Manifest, 'preprocessing' | 'input'>) {
  if (!('columns' in preprocessing)) return null
  const { columns } = preprocessing
  return (input.columns ?? []).flatMap(({ name, type }): UsedColumn[] => {
    const fitted = columns[name] ?? null
    return fitted === null ? [] : [{ name, type, fitted }]
  })
}
