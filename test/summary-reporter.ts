import type { Reporter, TestModule } from 'vitest/node'

/** Ends the output with one plain line that scripts can read: `12 passed, 0 failed, 1 skipped`. */
export class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const states = modules.flatMap(module =>
      Array.from(module.children.allTests(), test => test.result().state),
    )
    const count = (state: string) => states.filter(each => each === state).length
    process.stdout.write(
      `\n${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped\n`,
    )
  }
}
