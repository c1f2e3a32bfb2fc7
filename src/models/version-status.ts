import type { VersionStatus } from './schemas.ts'

/** The status of versions, as TensorFlow Serving tells it. */
export function describeStatus(versions: readonly number[]): VersionStatus {
  return {
    model_version_status: versions.map(version => ({
      version: String(version),
      state: 'AVAILABLE',
      status: { error_code: 'OK', error_message: '' },
    })),
  }
}
