import { readConfig } from '../src/config.ts'
import { announceKey, readBootstrapKey } from '../src/http/api-keys.ts'
import { runUntilStopped } from './run-until-stopped.ts'
import { startService } from './service.ts'

/** `npm start`: the service until Ctrl-C. */
await runUntilStopped(async onStarting => {
  const config = readConfig()
  // Before the API does it, whose output may go to a file.
  const { key, isNew } = await readBootstrapKey(config.dataDir, config.apiKey)
  if (isNew) announceKey(key, config.dataDir)
  const service = await startService(config, 'inherit', onStarting)
  process.stdout.write(`Trainyard is ready at ${service.url} (docs: ${service.url}/docs). Ctrl-C ends it.\n`)
  return service
})
