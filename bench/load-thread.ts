// The entry of the thread that `sendApart` starts: sends its load and says what it met with.
import { parentPort, workerData } from 'node:worker_threads'
import { type Load, sendLoad } from './load.ts'

const load: Load = workerData
const requests = load.requests.map(({ body, ...request }) => ({
  ...request,
  ...(body && { body: Buffer.from(body) }), // which arrives as a Uint8Array
}))
parentPort?.postMessage(await sendLoad({ ...load, requests }))
