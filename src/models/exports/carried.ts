import { countOutputUnits } from '../../mlp/network.ts'
import { createEncoder } from '../../preprocessing/encoder.ts'
import type { Manifest } from '../manifest.ts'
import type { ExportFormat } from './format-names.ts'

/** What can stand around a network in a format; NPZ has weights only. */
const CARRIES: Record<ExportFormat, readonly Part[]> = {
  tfjs: [],
  'tfjs-graph': ['center of mass', 'each feature', 'targets', 'both classes'],
  onnx: ['columns', 'center of mass', 'each feature', 'targets', 'both classes'],
  keras: ['each feature', 'targets'],
  savedmodel: ['columns', 'center of mass', 'each feature', 'targets', 'both classes'],
  npz: [],
  html: ['columns', 'center of mass', 'each feature', 'targets', 'both classes', 'temperature', 'size'],
}

/** What some formats have no room for. */
type Part =
  | 'columns'
  | 'center of mass'
  | 'each feature'
  | 'targets'
  | 'both classes'
  | 'temperature'
  | 'size'

/** Whether the export takes the cells of a table, and not what the encoding makes of them. */
export function takesColumns(format: ExportFormat): boolean {
  return CARRIES[format].includes('columns')
}

/** What the service does and this export of this model does not; a sentence for each. */
export function leftOut(format: ExportFormat, manifest: Manifest): string[] {
  const sentences = sentencesOf(manifest)
  const all = Object.keys(sentences) as Part[]
  return [
    ...(format === 'npz' ? ['The network itself: its layers are in `manifest.json`, at `network`.'] : []),
    ...all
      .filter(part => !CARRIES[format].includes(part))
      .flatMap(part => sentences[part] ?? [])
      .concat(format === 'npz' ? scalingOf(manifest) : []),
  ]
}

function sentencesOf(manifest: Manifest): Partial<Record<Part, string>> {
  const { preprocessing, input, kind, network, classes, calibration } = manifest
  const { inputUnits } = createEncoder(preprocessing, input.columns ?? null, input.shape)
  const image = 'image' in preprocessing ? preprocessing.image : undefined
  const isOneUnit = kind === 'classification' && countOutputUnits(network, inputUnits) === 1
  return {
    ...('columns' in preprocessing && {
      columns: `The encoding of the columns: the network takes ${inputUnits} numbers, which \`encoding.json\` describes.`,
    }),
    ...(image?.centerOfMass && {
      'center of mass': `The arrangement of images: they must be ${image.invert ? 'inverted (255 − x), then ' : ''}moved by whole pixels until their center of mass is nearest to the middle; what comes in is 0.`,
    }),
    ...('centers' in preprocessing && {
      'each feature':
        'The scaling: the network takes (x − center) / spread, feature by feature, with `centers` and `spreads` of `preprocessing` in `manifest.json`.',
    }),
    ...(preprocessing.target && {
      targets:
        'The units of the targets: the network gives (y − center) / spread, with the figures of `preprocessing.target` in `manifest.json`.',
    }),
    ...(isOneUnit && {
      'both classes': `One of the classes: the output is the probability of \`${classes[1]}\`; \`${classes[0]}\` has the rest.`,
    }),
    ...(calibration && {
      temperature: `The calibration: calibrated probabilities are softmax(log(p) / ${calibration.temperature}).`,
    }),
    ...(input.shape.length === 3 &&
      !input.columns && {
        size: `The size of pictures: they must be ${input.shape.slice(0, 2).join(' × ')} already${image ? ` (the service fits others: ${image.fit})` : ''}.`,
      }),
  }
}

function scalingOf({ preprocessing }: Manifest): string[] {
  if (!('scale' in preprocessing)) return []
  const { scale, offset = 0, image } = preprocessing
  const x = image?.invert && !image.centerOfMass ? '(255 − x)' : 'x'
  return [`The scaling: the first layer takes ${x} · ${scale} + ${offset}.`]
}
