import { afterAll } from 'vitest'
import { endThoseLeft } from './helpers/started-processes.ts'

/** A file that leaves a process behind fails: it would wait for a database that is gone, and slow down the others. */
afterAll(async () => {
  const left = await endThoseLeft()
  if (left.length > 0) throw new Error(`a test must end what it starts; these still ran:\n${left.join('\n')}`)
})
