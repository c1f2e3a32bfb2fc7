import type { DatasetContent } from '../datasets/content.ts'
import type { FieldError } from '../errors.ts'
import { listVariables, type Network, type PlacedLayer, placeLayers } from '../mlp/network.ts'
import type { BaseModel } from '../models/base-model.ts'
import type { Manifest } from '../models/manifest.ts'
import { createEncoder } from '../preprocessing/encoder.ts'

/** A version whose weights a training may begin with. */
export interface BaseVersion {
  name: string
  version: number
  /** Of its manifest. */
  sha256: string
  manifest: Manifest
}

/** The network that is to be trained, and what it learns. */
export interface WarmNetwork {
  network: Network
  inputUnits: number
  dataset: Pick<DatasetContent, 'task' | 'classes' | 'targets'>
}

/** A layer with weights: their shapes by the last part of their names. */
interface WeightedLayer extends PlacedLayer {
  index: number
  shapes: readonly string[]
}

/**
 * Finds out which layers begin with the weights of a base. Layers with weights are compared in their order, the first
 * with the first; those without, as activations and dropout, may differ.
 * @see Keras, `load_weights`, which goes by the order of the layers with weights too
 */
export function planWarmStart(
  base: BaseVersion,
  layers: BaseModel['layers'],
  warm: WarmNetwork,
): { takenLayers: BaseModel['takenLayers']; newLayers: string[]; errors: FieldError[] } {
  const { preprocessing, input, network } = base.manifest
  const { inputUnits } = createEncoder(preprocessing, input.columns ?? null, input.shape)
  const theirs = weightedLayers(network, inputUnits)
  const ours = weightedLayers(warm.network, warm.inputUnits)
  const difference = outputDifference(base.manifest, warm.dataset)
  const head = difference === null ? Number.POSITIVE_INFINITY : headOf(ours)
  const pairs = ours.map((layer, index) => {
    const other = theirs[index] ?? null
    return { layer, other, misfit: describeMisfit(layer, other) }
  })
  const taken = pairs.filter(({ layer, misfit }) => misfit === null && layer.index < head)
  const errors =
    layers === 'all'
      ? [...checkAll(pairs, theirs.length), ...(difference === null ? [] : [at('/baseModel', difference)])]
      : checkMatching(taken, pairs)
  return {
    takenLayers: taken.map(({ layer, other }) => ({ layer: layer.name, from: other?.name ?? '' })),
    newLayers: pairs.filter(pair => !taken.includes(pair)).map(({ layer }) => layer.name),
    errors,
  }
}

interface Pair {
  layer: WeightedLayer
  other: WeightedLayer | null
  misfit: string | null
}

function weightedLayers(network: Network, inputUnits: number): WeightedLayer[] {
  const variables = listVariables(network, inputUnits)
  return placeLayers(network, inputUnits).flatMap((placed, index) => {
    const prefix = `${placed.name}/`
    const own = variables.filter(({ name }) => name.startsWith(prefix))
    const shapes = own.map(({ name, shape }) => `${name.slice(prefix.length)} [${shape.join(', ')}]`)
    return own.length === 0 ? [] : [{ ...placed, index, shapes }]
  })
}

/** The index from which on layers belong to the outputs: the last dense layer, and what normalises behind it. */
function headOf(layers: readonly WeightedLayer[]): number {
  return layers.findLast(({ layer }) => layer.type === 'dense')?.index ?? 0
}

function describeMisfit(ours: WeightedLayer, theirs: WeightedLayer | null): string | null {
  if (theirs === null) return 'the base model has no layer left for it'
  const [own, other] = [describe(ours), describe(theirs)]
  return own === other ? null : `must fit ${theirs.name} of the base model: ${other}; received ${own}`
}

function describe({ layer, shapes }: WeightedLayer): string {
  return `${layer.type} with ${shapes.join(', ')}`
}

function checkAll(pairs: readonly Pair[], baseLayers: number): FieldError[] {
  const misfits = pairs.flatMap(({ layer, misfit }) =>
    misfit === null ? [] : [at(`/network/layers/${layer.index}`, `${misfit}. ${MATCHING}`)],
  )
  if (pairs.length >= baseLayers) return misfits
  const detail = `all ${baseLayers} layers with weights must be taken; the network has ${pairs.length}. ${MATCHING}`
  return [...misfits, at('/baseModel/layers', detail)]
}

const MATCHING = 'With "layers": "matching" what does not fit is initialised anew'

function checkMatching(taken: readonly Pair[], pairs: readonly Pair[]): FieldError[] {
  if (taken.length === 0) {
    const misfits = pairs.flatMap(({ layer, misfit }) => (misfit === null ? [] : [`${layer.name} ${misfit}`]))
    return [at('/baseModel', ['at least one layer of the base model must fit', ...misfits].join('; '))]
  }
  return pairs.flatMap(pair =>
    taken.includes(pair) || !('trainable' in pair.layer.layer)
      ? []
      : [
          at(
            `/network/layers/${pair.layer.index}/trainable`,
            `a frozen layer must be taken from the base model; this one is initialised anew: ${pair.misfit ?? 'its outputs are others'}`,
          ),
        ],
  )
}

/** Why the outputs of the base mean something else; null: they mean the same. */
function outputDifference(
  { kind, classes, targets = [] }: Pick<Manifest, 'kind' | 'classes' | 'targets'>,
  dataset: WarmNetwork['dataset'],
): string | null {
  if (kind !== dataset.task)
    return `the base model does ${kind}; the dataset is for ${dataset.task}. ${MATCHING}`
  const what = kind === 'regression' ? 'targets' : 'classes'
  const [theirs, ours] = kind === 'regression' ? [targets, dataset.targets] : [classes, dataset.classes]
  const areUnnamed = kind === 'regression' && (theirs.length === 0 || ours.length === 0)
  if (areUnnamed || (theirs.length === ours.length && theirs.every((name, index) => name === ours[index]))) {
    return null
  }
  return `the ${what} must be those of the base model in the same order, ${list(theirs)}; received ${list(ours)}. ${MATCHING}`
}

const NAMED_MAX = 10

function list(names: readonly string[]): string {
  const more = names.length > NAMED_MAX ? ` and ${names.length - NAMED_MAX} more` : ''
  return (
    names
      .slice(0, NAMED_MAX)
      .map(name => JSON.stringify(name))
      .join(', ') + more
  )
}

function at(pointer: string, detail: string): FieldError {
  return { pointer, detail }
}
