import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'

/** Every process that the tests of this file started. */
const started = new Set<ChildProcess>()

/** Remembers a process until it has ended. */
export function remember(child: ChildProcess): void {
  started.add(child)
  child.once('exit', () => started.delete(child))
}

/** Ends what still runs. @returns the command of each */
export async function endThoseLeft(): Promise<string[]> {
  const left = [...started]
  for (const child of left) {
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
  return left.map(({ spawnargs }) => spawnargs.join(' '))
}
