import { readConfig } from '../../src/config.ts'
import { resolveLoss } from '../../src/mlp/losses/registry.ts'
import { resolveNetwork } from '../../src/mlp/network.ts'
import { resolveOptimizer } from '../../src/mlp/optimizers/registry.ts'
import { buildProgram } from '../../src/mlp/program.ts'
import { createRandom, permutation } from '../../src/mlp/random.ts'
import { BYTE_SCALE } from '../../src/preprocessing/preprocessing.ts'
import { chooseEngine, openEngine } from '../../worker/engines/choose-engine.ts'
import type { Engine } from '../../worker/engines/engine.ts'
import { median } from '../table.ts'
import { type Case, EPOCH_CASES, STEP_CASES } from './cases.ts'

/** Measures every case with one engine, whose settings are read from the environment; prints seconds as JSON lines. */
const EPOCHS = 3
const LEARNING_RATE = 0.001

const engine = await openEngine(chooseEngine({ ...readConfig(process.env), workerSlots: 1 }))
for (const { case: one } of [...EPOCH_CASES, ...STEP_CASES]) {
  process.stdout.write(`${JSON.stringify(measureEpoch(engine, one))}\n`)
}

/** Seconds of an epoch of training, without evaluation: the median of some after a first. */
function measureEpoch(
  engine: Engine,
  { examples, features, units, depth, classes, batchSize }: Case,
): number {
  const hidden = Array.from({ length: depth }, () => ({ type: 'dense', units, activation: 'relu' }) as const)
  const program = buildProgram({
    inputUnits: features,
    task: 'classification',
    inputScaling: { scale: BYTE_SCALE, offset: 0 },
    network: resolveNetwork({
      layers: [...hidden, { type: 'dense', units: classes, activation: 'softmax' }],
    }),
    loss: resolveLoss('categoricalCrossentropy'),
    optimizer: resolveOptimizer({ type: 'adam', learningRate: LEARNING_RATE }),
    classWeights: null,
  })
  const random = createRandom(1, 'bench')
  const session = engine.open(program, 1)
  session.load('train', {
    features: Uint8Array.from({ length: examples * features }, () => random.integer(256)),
    labels: Int32Array.from({ length: examples }, () => random.integer(classes)),
  })
  const seconds: number[] = []
  for (let epoch = 0; epoch <= EPOCHS; epoch++) {
    const startedMs = performance.now()
    const firstStep = 1 + epoch * Math.ceil(examples / batchSize)
    session.train({
      split: 'train',
      indices: permutation(random, examples),
      batchSize,
      firstStep,
      learningRateAt: () => LEARNING_RATE,
    })
    seconds.push((performance.now() - startedMs) / 1_000)
  }
  session.close()
  return median(seconds.slice(1))
}
