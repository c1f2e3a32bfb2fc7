/** Does work once all work that was given before has ended, well or not. */
export type InTurn = <Result>(work: () => Promise<Result>) => Promise<Result>

/** Does one thing at a time: for work that reads whole datasets, so that a few requests cannot hold up all others. */
export function createTurns(): InTurn {
  let last: Promise<unknown> = Promise.resolve()
  return work => {
    const result = last.then(work)
    last = result.catch(() => {}) // whoever gave it is told
    return result
  }
}
