import type { Random } from '../../mlp/random.ts'

/** Says of each row, one after the other, whether it is chosen. */
export type ChooseRow = () => boolean

/**
 * Chooses some of so many rows: each set of them is as likely as any other.
 * @param wanted - all when there are no more rows
 * @see Knuth, TAOCP vol. 2, algorithm 3.4.2 S
 */
export function createRowChooser(random: Random, rows: number, wanted: number): ChooseRow {
  let left = rows
  let missing = Math.min(rows, wanted)
  return () => {
    const isChosen = missing === left || random.uniform() * left < missing
    left--
    if (isChosen) missing--
    return isChosen
  }
}
