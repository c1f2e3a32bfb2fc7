import type { PredictDeps } from '../predict.ts'

/** What the protocol works with, over REST and gRPC alike. */
export interface OpenInferenceDeps extends PredictDeps {
  /** Of the service. */
  version: string
  /** Whether predictions can be answered at all. */
  isReady: () => Promise<boolean>
}

const EXTENSIONS = [
  'classification',
  'binary_tensor_data',
  'model_repository',
  'model_repository(unload_dependents)',
]

/** What the protocol tells of the server. */
export function describeServer({ version }: Pick<OpenInferenceDeps, 'version'>) {
  return { name: 'trainyard', version, extensions: EXTENSIONS }
}
