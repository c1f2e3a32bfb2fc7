// npm run setup:tensorflow: the native engine, see tensorflow/set-up.mjs.
import { assertNode, ensureInstalled, loadSettings } from './ready.mjs'
import { setUpTensorflow } from './tensorflow/set-up.mjs'

assertNode()
ensureInstalled()
loadSettings()
if (!setUpTensorflow()) process.exit(1)
