/** A table that is trained on, with its split and seed, as export.py tells it. */
export interface Table {
  name: string
  task: 'classification' | 'regression'
  seed: number
  /** 0 of a regression. */
  classes: number
  rows: number
  features: number
  /** CSV files. */
  train: string
  test: string
}

/** What everybody trains, whatever the table. */
export interface Contest {
  /** Units of the hidden layers, with relu. */
  hidden: readonly number[]
  training: { epochs: number; batchSize: number; learningRate: number }
}

/** Small enough for a table of 150 rows, and trained long enough for one of 1,800. */
export const CONTEST: Contest = {
  hidden: [32, 16],
  training: { epochs: 100, batchSize: 32, learningRate: 0.001 },
}
