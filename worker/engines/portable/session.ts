import { AssertionError } from 'node:assert'
import * as tf from '@tensorflow/tfjs-core'
import { isModelVariable } from '../../../src/mlp/graph.ts'
import { createInterpreter } from '../../../src/mlp/interpreter.ts'
import { type ComputeOperation, isUpdate, operandsOf, type Value } from '../../../src/mlp/operations.ts'
import type { Program } from '../../../src/mlp/program.ts'
import { areClasses } from '../../../src/mlp/task.ts'
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
  const updating = createInterpreter(program.valueCount, Float32Array)
  for (const { name, value } of program.variables)
    updating.set(value, variables.get(name) ?? new Float32Array())
  const handedOver = handedToUpdate(program)

  const arrayOf = (name: string): Float32Array => {
    const array = variables.get(name)
    if (!array) throw new AssertionError({ message: `no variable ${name}` })
    return array
  }

  /** Runs the lists on one batch and gives the tensors by value; inside a `tidy`. */
  const runBatch = (
    split: string,
    indices: Int32Array,
    step: number,
    lists: readonly (readonly ComputeOperation[])[],
  ) => {
    const { features, labels } = gather(examplesOf(splits, split), indices, program)
    const tensors = new Map<number, tf.Tensor>([
      [program.inputs.features.id, tf.tensor2d(features, [indices.length, program.inputUnits])],
      [
        program.inputs.labels.id,
        areClasses(labels)
          ? tf.tensor1d(labels, 'int32')
          : tf.tensor2d(labels, [indices.length, program.outputUnits]),
      ],
      [program.inputs.exampleCount.id, tf.scalar(indices.length)],
      [program.inputs.step.id, tf.scalar(step, 'int32')],
    ])
    for (const variable of program.variables) {
      if (isModelVariable(variable)) {
        tensors.set(variable.value.id, tf.tensor(arrayOf(variable.name), [...variable.shape]))
      }
    }
    const get = (value: Value) => {
      const tensor = tensors.get(value.id)
      if (!tensor) throw new AssertionError({ message: `value ${value.id} is read before it is made` })
      return tensor
    }
    const set = (value: Value, tensor: tf.Tensor) => tensors.set(value.id, tensor)
    for (const operation of lists.flat()) runKernel(operation, { get, set, batch: indices.length, seed })
    return (value: Value) => get(value).dataSync<'float32'>()
  }

  const update = (step: number, learningRate: number, read: (value: Value) => Float32Array) => {
    updating.set(program.inputs.learningRate, Float64Array.of(learningRate))
    for (const scalar of program.scalars) updating.set(scalar.value, Float64Array.of(scalar.at(step)))
    for (const value of handedOver) updating.set(value, read(value))
    updating.run(program.update, 1)
  }

  return {
    load: (split, examples) => void splits.set(split, examples),
    train({ split, indices, batchSize, firstStep, learningRateAt }: TrainRequest) {
      const results = emptyResults(indices.length, program.outputUnits)
      for (let from = 0, step = firstStep; from < indices.length; from += batchSize, step++) {
        tf.tidy(() => {
          const batch = indices.subarray(from, from + batchSize)
          const read = runBatch(split, batch, step, [program.training.operations])
          results.losses.set(read(program.training.losses), from)
          results.predictions.set(read(program.training.predictions), from * program.outputUnits)
          update(step, learningRateAt(step), read)
        })
      }
      return results
    },
    evaluate(split, indices) {
      const results = emptyResults(indices.length, program.outputUnits)
      tf.tidy(() => {
        const read = runBatch(split, indices, 0, [
          program.inference.operations,
          program.evaluation.operations,
        ])
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

/** Values of `training` that `update` reads: gradients, and statistics of the batch. */
function handedToUpdate(program: Program): Value[] {
  const known = new Set([
    program.inputs.learningRate.id,
    ...[...program.variables, ...program.scalars].map(({ value }) => value.id),
    ...program.update.flatMap(operation => (isUpdate(operation) ? [] : [operation.output.id])),
  ])
  const read = new Map(program.update.flatMap(operandsOf).map(value => [value.id, value]))
  return [...read.values()].filter(({ id }) => !known.has(id))
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
function gather(examples: Examples, indices: Int32Array, { inputUnits, outputUnits }: Program) {
  const features = new Float32Array(indices.length * inputUnits)
  const targets = areClasses(examples.labels) ? 1 : outputUnits
  const labels = areClasses(examples.labels)
    ? new Int32Array(indices.length)
    : new Float32Array(indices.length * targets)
  indices.forEach((example, row) => {
    features.set(
      examples.features.subarray(example * inputUnits, (example + 1) * inputUnits),
      row * inputUnits,
    )
    labels.set(examples.labels.subarray(example * targets, (example + 1) * targets), row * targets)
  })
  return { features, labels }
}
