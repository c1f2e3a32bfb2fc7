// npm run quickstart: sets up the fastest engine that this machine can have, then runs the demonstration. It goes on
// with the portable engine when TensorFlow cannot be set up, and at once when that is what was asked for.
import { assertNode, ensureInstalled, loadSettings } from './ready.mjs'
import { setUpTensorflow } from './tensorflow/set-up.mjs'

assertNode()
ensureInstalled()
loadSettings()
if (process.env.TRAINYARD_ENGINE !== 'portable') setUpTensorflow()
process.argv.splice(2, 0, 'launcher/quickstart/main')
await import('./run.mjs')
