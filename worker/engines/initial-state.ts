import type { Program } from '../../src/mlp/program.ts'
import { createRandom } from '../../src/mlp/random.ts'
import type { TrainingState } from './engine.ts'

/** The variables before the first step: the same for every engine. */
export function initialState(program: Program, seed: number): TrainingState {
  return new Map(
    program.variables.map(variable => [
      variable.name,
      variable.initialize(createRandom(seed, `initialize/${variable.name}`)),
    ]),
  )
}
