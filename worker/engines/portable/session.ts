import { AssertionError } from 'node:assert'
import * as tf from '@tensorflow/tfjs-core'
import type { Operation, Value } from '../../../src/mlp/operations.ts'
import type { Program } from '../../../src/mlp/program.ts'
import { applyUpdate, type FloatArray, isUpdate } from '../../../src/mlp/updates.ts'
import type { ExampleResults, Examples, Session, TrainRequest } from '../engine.ts'
import { initialState } from '../initial-state.ts'
import { runKernel } from './kernels.ts'

/**
 * A training on tfjs-core. Products and element-wise work run in wasm; variables live in JavaScript arrays, where
 * one fused loop an update beats ten wasm operations. Each step makes new tensors of the weights, on purpose: the
 * backend keeps a packed copy of a matrix by its tensor's id, so a tensor changed in place would train on stale
 * weights.
 */
export function openPortableSession(program: Program, seed: number): Session {
  const splits = new Map<string, Examples>()
  const variables = new Map(initialState(program, seed))

  const arrayOf = (name: string): Float32Array => {
    const array = variables.get(name)
    if (!array) throw new AssertionError({ message: `no variable ${name}` })
    return array
  }

  /** Runs the lists on one batch and gives the tensors by value; inside a `tidy`. */
  const runBatch = (split: string, indices: Int32Array, lists: readonly (readonly Operation[])[]) => {
    const { features, labels } = gather(examplesOf(splits, split), indices, program.inputUnits)
    const tensors = new Map<number, tf.Tensor>([
      [program.inputs.features.id, tf.tensor2d(features, [indices.length, program.inputUnits])],
      [program.inputs.labels.id, tf.tensor1d(labels, 'int32')],
      [program.inputs.exampleCount.id, tf.scalar(indices.length)],
    ])
    for (const variable of program.variables) {
      if (variable.role === 'weight') {
        tensors.set(variable.value.id, tf.tensor(arrayOf(variable.name), [...variable.shape]))
      }
    }
    const get = (value: Value) => {
      const tensor = tensors.get(value.id)
      if (!tensor) throw new AssertionError({ message: `value ${value.id} is read before it is made` })
      return tensor
    }
    const set = (value: Value, tensor: tf.Tensor) => tensors.set(value.id, tensor)
    for (const operation of lists.flat()) runKernel(operation, { get, set })
    return (value: Value) => get(value).dataSync<'float32'>()
  }

  const update = (step: number, read: (value: Value) => Float32Array) => {
    const arrays = new Map<number, FloatArray>()
    for (const variable of program.variables) arrays.set(variable.value.id, arrayOf(variable.name))
    for (const scalar of program.scalars) arrays.set(scalar.value.id, Float64Array.of(scalar.at(step)))
    for (const operation of program.update) {
      if (isUpdate(operation)) applyUpdate(operation, value => arrays.get(value.id) ?? read(value))
    }
  }

  return {
    load: (split, examples) => void splits.set(split, examples),
    train({ split, indices, batchSize, firstStep }: TrainRequest) {
      const results = emptyResults(indices.length, program.outputUnits)
      for (let from = 0, step = firstStep; from < indices.length; from += batchSize, step++) {
        tf.tidy(() => {
          const batch = indices.subarray(from, from + batchSize)
          const read = runBatch(split, batch, [program.training.operations])
          results.losses.set(read(program.training.losses), from)
          results.predictions.set(read(program.training.predictions), from * program.outputUnits)
          update(step, read)
        })
      }
      return results
    },
    evaluate(split, indices) {
      const results = emptyResults(indices.length, program.outputUnits)
      tf.tidy(() => {
        const read = runBatch(split, indices, [program.inference.operations, program.evaluation.operations])
        results.losses.set(read(program.evaluation.losses))
        results.predictions.set(read(program.inference.predictions))
      })
      return results
    },
    exportState: () => new Map([...variables].map(([name, array]) => [name, array.slice()])),
    importState(state) {
      for (const [name, array] of variables) {
        const imported = state.get(name)
        if (imported?.length !== array.length) {
          throw new AssertionError({ message: `the state needs ${array.length} numbers of ${name}` })
        }
        array.set(imported)
      }
    },
    close: () => {
      splits.clear()
      variables.clear()
    },
  }
}

function emptyResults(count: number, outputUnits: number): ExampleResults {
  return { losses: new Float32Array(count), predictions: new Float32Array(count * outputUnits) }
}

function examplesOf(splits: ReadonlyMap<string, Examples>, split: string): Examples {
  const examples = splits.get(split)
  if (!examples) throw new AssertionError({ message: `the split ${split} is not loaded` })
  return examples
}

/** Copies the named examples into a batch: features as float32 in the data's own units. */
function gather(examples: Examples, indices: Int32Array, units: number) {
  const features = new Float32Array(indices.length * units)
  const labels = new Int32Array(indices.length)
  indices.forEach((example, row) => {
    features.set(examples.features.subarray(example * units, (example + 1) * units), row * units)
    labels[row] = examples.labels[example] ?? 0
  })
  return { features, labels }
}
