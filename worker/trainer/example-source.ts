import type { Examples, Session } from '../engines/engine.ts'
import type { Block } from './selection.ts'

/** The examples of one split, on their way into the session. */
export interface ExampleSource {
  /**
   * Makes the examples of a block the ones that the session holds.
   * @param epoch - in which they are trained on; examples that do not change do not depend on it
   */
  use(block: Block, epoch: number): Promise<void>
  /** Begins to read the block that is used next, while others are trained on. */
  readAhead(block: Block, epoch: number): void
}

/** Which examples: rows of the split, as they are in an epoch. */
export interface ExampleRange {
  rows: Block['rows']
  epoch: number
}

/**
 * Brings examples in when they are asked for, unless the session holds them already.
 * @param read - reads and prepares examples
 * @param changes - whether examples are others in each epoch
 */
export function openSource(
  session: Session,
  split: string,
  { read, changes }: { read(range: ExampleRange): Promise<Examples>; changes: boolean },
): ExampleSource {
  let held: ExampleRange | null = null
  let ahead: { range: ExampleRange; examples: Promise<Examples> } | null = null

  const isSame = (a: ExampleRange | undefined | null, b: ExampleRange) =>
    a?.rows.from === b.rows.from && a.rows.to === b.rows.to && (!changes || a.epoch === b.epoch)
  return {
    async use({ rows }, epoch) {
      const range = { rows, epoch }
      if (isSame(held, range)) return
      const reading = ahead !== null && isSame(ahead.range, range) ? ahead.examples : read(range)
      ahead = null
      held = null
      session.load(split, await reading)
      held = range
    },
    readAhead({ rows }, epoch) {
      const range = { rows, epoch }
      if (isSame(held, range) || isSame(ahead?.range, range)) return
      const examples = read(range)
      examples.catch(() => {}) // whoever uses the block hears of it
      ahead = { range, examples }
    },
  }
}
