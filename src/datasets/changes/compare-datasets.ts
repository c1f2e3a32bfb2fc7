import type { StoredDataset } from '../repository.ts'
import { SPLITS } from '../schemas.ts'
import type { DatasetChanges } from './schemas.ts'

/** What the descriptions of two datasets say about what changed; their rows are not read. */
export function compareDatasets(before: StoredDataset, after: StoredDataset): Omit<DatasetChanges, 'rows'> {
  return {
    since: versionOf(before),
    dataset: versionOf(after),
    isEqual: before.sha256 === after.sha256,
    task: { before: before.task, after: after.task },
    shape: { before: before.shape, after: after.shape },
    splits: SPLITS.filter(split => before.splits[split] || after.splits[split]).map(split => ({
      split,
      before: before.splits[split]?.examples ?? 0,
      after: after.splits[split]?.examples ?? 0,
    })),
    classes: { ...compareNames(before.classes, after.classes), counts: compareCounts(before, after) },
    columns: compareColumns(before, after),
    targets: compareNames(before.targets, after.targets),
  }
}

function versionOf({ id, name, version }: StoredDataset): DatasetChanges['since'] {
  return { id, name, version }
}

function compareNames(before: readonly string[], after: readonly string[]) {
  const [known, wanted] = [new Set(before), new Set(after)]
  return {
    added: after.filter(name => !known.has(name)),
    removed: before.filter(name => !wanted.has(name)),
  }
}

function compareCounts(before: StoredDataset, after: StoredDataset): DatasetChanges['classes']['counts'] {
  const classes = [...new Set([...before.classes, ...after.classes])]
  return SPLITS.flatMap(split => {
    const countOf = (dataset: StoredDataset, name: string) => dataset.splits[split]?.classCounts[name] ?? 0
    return classes
      .map(name => ({ split, class: name, before: countOf(before, name), after: countOf(after, name) }))
      .filter(counts => counts.before !== counts.after)
  })
}

function compareColumns(before: StoredDataset, after: StoredDataset): DatasetChanges['columns'] {
  const types = new Map(before.columns?.map(({ name, type }) => [name, type]))
  const namesOf = ({ columns }: StoredDataset) => columns?.map(({ name }) => name) ?? []
  const retyped = (after.columns ?? []).flatMap(({ name, type }) => {
    const was = types.get(name)
    return was === undefined || was === type ? [] : [{ name, before: was, after: type }]
  })
  return { ...compareNames(namesOf(before), namesOf(after)), retyped }
}
