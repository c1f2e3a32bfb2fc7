import { featureCount } from '../../datasets/content.ts'
import { fieldError } from '../../errors.ts'
import type { ActivationName } from '../../mlp/activations/registry.ts'
import {
  countOutputUnits,
  countParameters,
  LAYERS_MAX,
  type Network,
  outputActivation,
  PARAMETERS_MAX,
  placeLayers,
} from '../../mlp/network.ts'
import type { Manifest } from '../manifest.ts'
import { chooseShape } from './input-shape.ts'
import { type Affine, composeAffine, toPreprocessing } from './input-steps.ts'
import type { ModelFile, Step } from './model-file.ts'
import type { ImportOptions } from './options.ts'
import { describeOutputs } from './outputs.ts'
import { refuse } from './refuse.ts'

/** A model as a version of ours has it, with its weights by name. */
export interface AssembledModel
  extends Pick<
    Manifest,
    'kind' | 'input' | 'preprocessing' | 'classes' | 'targets' | 'network' | 'calibration'
  > {
  parameterCount: number
  weights: ReadonlyMap<string, Float32Array>
}

/**
 * Makes one of our models of what a file says and what its owner adds: steps before the first layer become the
 * preprocessing, steps behind the last one figures of the targets.
 * @throws {AppError} MODEL_FILE_INVALID for what the file has that we cannot do; VALIDATION_FAILED for options
 */
export function assembleModel(file: ModelFile, options: ImportOptions): AssembledModel {
  if (file.own) return assembleOwn(file.own, options)
  const { before, layers, behind } = divide(file.steps)
  const complement = behind.some(({ kind }) => kind === 'complement')
  const shape = chooseShape(file, options.inputShape)
  const inputUnits = featureCount(shape)
  const network: Network = { layers: layers.map(({ layer }) => layer) }
  if (options.outputActivation) {
    network.layers.push({
      type: 'activation',
      activation: checkedActivation(network, options.outputActivation),
    })
  }
  checkSize(network, inputUnits)
  const outputs = describeOutputs(options, {
    units: countOutputUnits(network, inputUnits),
    activation: outputActivation(network),
    complement,
    behind: composeAffine(behind, countOutputUnits(network, inputUnits)),
  })
  const dtype = options.dtype ?? (shape.length === 3 ? 'uint8' : file.inputDtype)
  return {
    ...outputs.described,
    input: { shape: [...shape], dtype, columns: null },
    preprocessing: { ...toPreprocessing(before, options, { shape, dtype }), ...outputs.target },
    network,
    parameterCount: countParameters(network, inputUnits),
    weights: nameWeights(network, inputUnits, layers),
  }
}

/** An export of ours says all itself; its owner may name its classes anew. */
function assembleOwn(own: NonNullable<ModelFile['own']>, options: ImportOptions): AssembledModel {
  const given = (
    ['task', 'targets', 'inputShape', 'dtype', 'preprocessing', 'outputActivation'] as const
  ).find(name => options[name] !== undefined)
  if (given) {
    throw fieldError(
      'VALIDATION_FAILED',
      `/options/${given}`,
      'must not be given: manifest.json of the export says it',
    )
  }
  const { weights, ...described } = own
  const classes = options.classes ?? own.classes
  if (classes.length !== own.classes.length) {
    const detail = `must be ${own.classes.length} classes; received ${classes.length}`
    throw fieldError('VALIDATION_FAILED', '/options/classes', detail)
  }
  let parameterCount = 0
  for (const { length } of weights.values()) parameterCount += length
  return { ...described, classes, parameterCount, weights }
}

type LayerStep = Extract<Step, { kind: 'layer' }>

/** The layers, and what stands before and behind them. */
function divide(steps: readonly Step[]): { before: Affine[]; layers: LayerStep[]; behind: Step[] } {
  const isLayer = (step: Step): step is LayerStep => step.kind === 'layer'
  const first = steps.findIndex(isLayer)
  const last = steps.findLastIndex(isLayer)
  if (first === -1) throw refuse('the model must have a layer')
  const between = steps.slice(first, last + 1).filter(step => !isLayer(step) && step.kind !== 'flatten')
  for (const { of } of between) throw refuse(`${of} must stand before the first layer or behind the last`)
  const before = steps.slice(0, first).flatMap((step): Affine[] => {
    if (step.kind === 'affine') return [step]
    if (step.kind === 'flatten') return []
    throw refuse(`${step.of} must stand behind the last layer`)
  })
  return {
    before,
    layers: steps.filter(isLayer),
    behind: steps.slice(last + 1).filter(({ kind }) => kind !== 'flatten'),
  }
}

function checkedActivation(network: Network, wanted: ActivationName): ActivationName {
  const last = outputActivation(network)
  if (last === 'linear') return wanted
  const detail = `must not be given where the network does not end with numbers of its own: it ends with ${last ?? 'no activation'}`
  throw fieldError('VALIDATION_FAILED', '/options/outputActivation', detail)
}

function checkSize(network: Network, inputUnits: number): void {
  if (network.layers.length > LAYERS_MAX) {
    throw refuse(`a network may have ${LAYERS_MAX} layers; this one has ${network.layers.length}`)
  }
  const parameters = countParameters(network, inputUnits)
  if (parameters > PARAMETERS_MAX) {
    throw refuse(`a network may have ${PARAMETERS_MAX} parameters; this one has ${parameters}`)
  }
}

/** Weights under the names that programs use. @throws {AppError} MODEL_FILE_INVALID for one that is no number */
function nameWeights(
  network: Network,
  inputUnits: number,
  layers: readonly LayerStep[],
): Map<string, Float32Array> {
  const named = new Map<string, Float32Array>()
  for (const [index, { name }] of placeLayers(network, inputUnits).entries()) {
    for (const [variable, values] of layers[index]?.weights ?? []) {
      const wrong = values.findIndex(value => !Number.isFinite(value))
      if (wrong !== -1)
        throw refuse(`${layers[index]?.of}: ${variable} must be finite numbers; one is ${values[wrong]}`)
      named.set(`${name}/${variable}`, values)
    }
  }
  return named
}
