import type { StoredVersion } from '../models/repository.ts'
import type { DescribeOptions } from './describe-prediction.ts'
import { rankIndices } from './rank-classes.ts'

/** A column of a table of predictions; every column may be null. */
export interface OutputColumn {
  name: string
  type: 'text' | 'number' | 'boolean'
  /** @param outputs - of one input: a probability for each class, or each target */
  read(outputs: Float32Array): string | number | boolean | null
}

/**
 * Predictions as a table, without the error of each row. One class: `prediction`, `probability`. Several labels: for
 * each `prediction:label` and `probability:label`. Numbers: `prediction`, or for each of several `prediction:target`.
 * @param targets - what a regression predicts, by name
 */
export function outputColumns(
  { kind, classes }: Pick<StoredVersion, 'kind' | 'classes'>,
  targets: readonly string[],
  { probabilities, abstainBelow }: Pick<DescribeOptions, 'probabilities' | 'abstainBelow'>,
): OutputColumn[] {
  if (kind === 'regression') {
    const names = targets.length > 1 ? targets.map(target => `prediction:${target}`) : ['prediction']
    return names.map((name, index) => ({ name, type: 'number', read: outputs => outputs[index] ?? null }))
  }
  if (kind === 'multiLabel') {
    return classes.flatMap((label, index): OutputColumn[] => {
      const chosen = { name: `prediction:${label}`, type: 'boolean' } as const
      const probability = { name: `probability:${label}`, type: 'number' } as const
      return [
        { ...chosen, read: outputs => (outputs[index] ?? 0) >= 0.5 },
        ...(probabilities
          ? [{ ...probability, read: (outputs: Float32Array) => outputs[index] ?? null }]
          : []),
      ]
    })
  }
  const best = (outputs: Float32Array) => {
    const [index = 0] = rankIndices(outputs, 1)
    return { label: classes[index] ?? '', probability: outputs[index] ?? 0 }
  }
  return [
    {
      name: 'prediction',
      type: 'text',
      read(outputs) {
        const { label, probability } = best(outputs)
        return abstainBelow !== null && probability < abstainBelow ? null : label
      },
    },
    ...(probabilities
      ? [
          {
            name: 'probability',
            type: 'number' as const,
            read: (outputs: Float32Array) => best(outputs).probability,
          },
        ]
      : []),
  ]
}
