import type { Config } from '../../src/config.ts'

/** What a worker's trainers compute with. */
export interface EngineChoice {
  engine: 'portable'
  device: 'cpu'
}

/**
 * The engine that the settings ask for, and that this machine has.
 * @throws Error when it was asked for by name and is not there
 */
export function chooseEngine(setting: Config['engine']): EngineChoice {
  if (setting === 'tensorflow') {
    throw new Error(
      'TRAINYARD_ENGINE=tensorflow needs an engine that this version does not have; use auto or portable',
    )
  }
  return { engine: 'portable', device: 'cpu' }
}
