import { type DestinationStream, destination } from 'pino'

/** What is handed on at once at least, in characters. */
const TOGETHER = 16_384
const WAIT_MS = 100

/**
 * A destination for a process that logs thousands of lines a second: lines are joined before they are written, after a tenth of a
 * second at the latest, and when the process ends. Pino's own destination can wait too, but measures all that waits
 * again at each line, which takes longer than making the line.
 */
export function bufferLines(fd: number): DestinationStream {
  const file = destination({ dest: fd, sync: false })
  let lines: string[] = []
  let characters = 0
  let timer: NodeJS.Timeout | null = null

  const takeAll = (): string => {
    const text = lines.join('')
    lines = []
    characters = 0
    return text
  }
  const handOn = () => {
    if (timer) clearTimeout(timer)
    timer = null
    file.write(takeAll())
  }
  process.on('exit', () => {
    file.flushSync()
    destination({ dest: fd, sync: true }).write(takeAll()) // the other would begin to write, and have no time to
  })

  return {
    write(line) {
      lines.push(line)
      characters += line.length
      if (characters >= TOGETHER) handOn()
      else timer ??= setTimeout(handOn, WAIT_MS).unref()
    },
  }
}
