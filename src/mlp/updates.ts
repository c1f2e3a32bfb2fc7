import { AssertionError } from 'node:assert'
import type { UpdateOperation, Value } from './operations.ts'

/** Where a tensor's numbers are. */
export type FloatArray = Float32Array | Float64Array

/**
 * Moves one variable in place. Formulas: the file of each optimizer. Plain loops over the arrays, one pass for
 * each variable: several times faster than the ten or so whole-array operations that they stand for.
 * @param read - gives the array of a value; all of one operation have the same length, scalars have length 1
 */
export function applyUpdate(operation: UpdateOperation, read: (value: Value) => FloatArray): void {
  const variable = read(operation.variable)
  if (operation.kind === 'assign') {
    variable.set(read(operation.x))
    return
  }
  const gradient = read(operation.gradient)
  const learningRate = scalarOf(read(operation.learningRate))
  switch (operation.kind) {
    case 'applyGradientDescent':
      for (let i = 0; i < variable.length; i++) variable[i] = at(variable, i) - learningRate * at(gradient, i)
      return
    case 'applyMomentum': {
      const { momentum, nesterov } = operation
      const velocity = read(operation.velocity)
      for (let i = 0; i < variable.length; i++) {
        const pull = learningRate * at(gradient, i)
        const moved = momentum * at(velocity, i) - pull
        velocity[i] = moved
        variable[i] = at(variable, i) + (nesterov ? momentum * moved - pull : moved)
      }
      return
    }
    case 'applyAdam': {
      const { beta1, beta2, epsilon } = operation
      const [m, v] = [read(operation.m), read(operation.v)]
      const correction =
        Math.sqrt(1 - scalarOf(read(operation.beta2Power))) / (1 - scalarOf(read(operation.beta1Power)))
      const rate = learningRate * correction
      for (let i = 0; i < variable.length; i++) {
        const g = at(gradient, i)
        const first = beta1 * at(m, i) + (1 - beta1) * g
        const second = beta2 * at(v, i) + (1 - beta2) * g * g
        m[i] = first
        v[i] = second
        variable[i] = at(variable, i) - (rate * first) / (Math.sqrt(second) + epsilon)
      }
      return
    }
    case 'applyRmsprop': {
      const { rho, momentumRate, epsilon } = operation
      const [meanSquare, momentum] = [read(operation.meanSquare), read(operation.momentum)]
      for (let i = 0; i < variable.length; i++) {
        const g = at(gradient, i)
        const square = rho * at(meanSquare, i) + (1 - rho) * g * g
        const moved = momentumRate * at(momentum, i) + (learningRate * g) / Math.sqrt(square + epsilon)
        meanSquare[i] = square
        momentum[i] = moved
        variable[i] = at(variable, i) - moved
      }
      return
    }
  }
}

/** An element that is known to exist: loops here run within the length. */
export function at(array: FloatArray, index: number): number {
  return array[index] as number
}

function scalarOf(array: FloatArray): number {
  const [value] = array
  if (value === undefined) throw new AssertionError({ message: 'a scalar has one element' })
  return value
}
