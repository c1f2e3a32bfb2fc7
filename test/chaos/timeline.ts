/** What was done to whom, and when; printed when a round fails, so that it can be told why. */
export interface Timeline {
  note(what: string): void
  /** Lines of `seconds what`. */
  text(): string
}

/** A timeline that begins now. */
export function startTimeline(): Timeline {
  const startedMs = performance.now()
  const lines: string[] = []
  return {
    note(what) {
      lines.push(`${((performance.now() - startedMs) / 1_000).toFixed(2).padStart(8)} s  ${what}`)
    },
    text: () => lines.join('\n'),
  }
}
