import type { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import type { Logger } from '../src/logger.ts'

/** What a trainer writes to its standard streams. */
export interface TrainerLog {
  /** Reads a stream until its end. */
  follow(stream: Readable): void
  /** The last lines, the oldest first: at most 20, and 4,096 characters in all. */
  tail(): string[]
}

const LINES_MAX = 20
const CHARACTERS_MAX = 4_096
const LINE_CHARACTERS_MAX = 1_000

/** What TensorFlow says at every start, whatever its log level. */
const NOISE = /oneDNN|absl|computation_placer|cpu_feature_guard|rebuild TensorFlow/

/** Passes a trainer's lines on to the log at debug level, and keeps the last ones for the job's error. */
export function createTrainerLog(logger: Logger): TrainerLog {
  const kept: string[] = []
  const take = (raw: string) => {
    const line = toStorableText(raw.trimEnd().slice(0, LINE_CHARACTERS_MAX))
    if (line === '' || NOISE.test(line)) return
    logger.debug({ line }, 'the trainer wrote')
    kept.push(line)
    while (kept.length > LINES_MAX || countCharacters(kept) > CHARACTERS_MAX) kept.shift()
  }
  return {
    tail: () => [...kept],
    follow(stream) {
      const decoder = new StringDecoder()
      let open = ''
      stream.on('data', (piece: Buffer) => {
        const lines = (open + decoder.write(piece)).split('\n')
        open = (lines.pop() ?? '').slice(0, LINE_CHARACTERS_MAX) // one that never ends must not fill the memory
        for (const line of lines) take(line)
      })
      stream.on('end', () => take(open))
    },
  }
}

function countCharacters(lines: readonly string[]): number {
  return lines.reduce((sum, line) => sum + line.length, 0)
}

/** Without what Postgres's `jsonb` refuses: NUL, and halves of surrogate pairs. */
export function toStorableText(text: string): string {
  return Buffer.from(text.replaceAll('\0', '')).toString()
}
