import { createRandom, permutation } from '../../src/mlp/random.ts'

/** How rows are divided into folds. */
export interface FoldPlan {
  /** Rows there are. */
  examples: number
  folds: number
  seed: number
  /** The class of each row: every class keeps its share in each fold. */
  classes?: Int32Array
  /** Rows with equal numbers stay in one fold; all without a number are a group too. */
  groups?: Float64Array
}

/**
 * The fold of each row, from 0. Without groups the folds' sizes differ by at most one, the first being larger, and so
 * do the counts of each class. Groups, the largest first, go to the fold with the fewest rows; with classes to the
 * one that has the least of what the group brings. A fold is empty where there are fewer groups than folds.
 */
export function assignFolds(plan: FoldPlan): Int32Array {
  const order = permutation(createRandom(plan.seed, 'folds'), plan.examples)
  return plan.groups ? assignGroups(plan, order, plan.groups) : dealRows(plan, order)
}

/** Deals the rows one by one, those of one class after the other, as cards are dealt. */
function dealRows({ examples, folds, classes }: FoldPlan, order: Int32Array): Int32Array {
  const dealt = classes ? order.toSorted((a, b) => (classes[a] ?? 0) - (classes[b] ?? 0)) : order
  const foldOf = new Int32Array(examples)
  dealt.forEach((row, place) => {
    foldOf[row] = place % folds
  })
  return foldOf
}

/** What a group brings: how many rows, and how many of each class. */
interface Group {
  size: number
  counts: Map<number, number>
}

/**
 * Greedy: a group of g_c rows of class c goes to the fold whose counts n_c give the least Σ n_c g_c / N_c², with N_c
 * rows of the class in all: there the squares of the folds' shares of the classes grow least. Without classes all rows
 * are of one.
 * @see scikit-learn, `StratifiedGroupKFold` and `GroupKFold`, which are greedy in the same way
 */
function assignGroups({ folds, classes }: FoldPlan, order: Int32Array, groupOf: Float64Array): Int32Array {
  const groups = new Map<number, Group>() // in random order, as the rows are
  const totals = new Map<number, number>()
  for (const row of order) {
    const label = classes?.[row] ?? 0
    const number = groupOf[row] ?? Number.NaN
    const group = groups.get(number) ?? { size: 0, counts: new Map<number, number>() }
    groups.set(number, group)
    group.size++
    group.counts.set(label, (group.counts.get(label) ?? 0) + 1)
    totals.set(label, (totals.get(label) ?? 0) + 1)
  }
  const filled = Array.from({ length: folds }, () => ({ size: 0, counts: new Map<number, number>() }))
  const costOf = ({ counts }: Group, group: Group) => {
    let cost = 0
    for (const [label, count] of group.counts) {
      cost += ((counts.get(label) ?? 0) * count) / (totals.get(label) ?? 1) ** 2
    }
    return cost
  }
  const foldOfGroup = new Map<number, number>()
  for (const [number, group] of [...groups].sort(([, a], [, b]) => b.size - a.size)) {
    const costs = filled.map(fold => ({ fold, cost: costOf(fold, group) }))
    const best = costs.reduce((a, b) =>
      b.cost < a.cost || (b.cost === a.cost && b.fold.size < a.fold.size) ? b : a,
    ).fold
    best.size += group.size
    for (const [label, count] of group.counts) best.counts.set(label, (best.counts.get(label) ?? 0) + count)
    foldOfGroup.set(number, filled.indexOf(best))
  }
  return Int32Array.from(groupOf, number => foldOfGroup.get(number) ?? 0)
}
