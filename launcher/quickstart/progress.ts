/** Shows training progress: a live bar on a terminal, a line for each epoch elsewhere. */
export interface ProgressView {
  progress(at: {
    step: number
    steps: number
    epoch: number
    epochs: number
    examplesPerSecond: number | null
  }): void
  epoch(row: EpochRow): void
}

/** Figures of an epoch; null when there is none of the kind. */
export interface EpochRow {
  epoch: number
  loss: number
  accuracy: number
  valLoss: number
  valAccuracy: number
  durationMs: number
}

const BAR_WIDTH = 24

/** @param out - where to draw */
export function createProgressView(out: NodeJS.WriteStream): ProgressView {
  const clear = () => out.isTTY && out.write('\r\x1b[2K')
  out.write('  epoch    loss  accuracy   val loss  val accuracy  seconds\n')
  return {
    progress({ step, steps, epoch, epochs, examplesPerSecond }) {
      if (!out.isTTY || epoch >= epochs) return
      const stepsPerEpoch = steps / epochs
      const share = Math.min(1, Math.max(0, step / stepsPerEpoch - epoch))
      const filled = Math.round(share * BAR_WIDTH)
      const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled)
      const speed = examplesPerSecond
        ? `${Math.round(examplesPerSecond).toLocaleString('en')} examples/s`
        : ''
      clear()
      out.write(
        `  ${String(epoch + 1).padStart(5)}  ${bar}  ${String(Math.round(share * 100)).padStart(3)} %  ${speed}`,
      )
    },
    epoch(row) {
      clear()
      const figures = [
        String(row.epoch).padStart(5),
        row.loss.toFixed(4).padStart(8),
        percent(row.accuracy).padStart(10),
        row.valLoss.toFixed(4).padStart(11),
        percent(row.valAccuracy).padStart(14),
        (row.durationMs / 1_000).toFixed(2).padStart(9),
      ]
      out.write(`  ${figures.join('')}\n`)
    },
  }
}

/** @param share - 0 … 1 */
export function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`
}
