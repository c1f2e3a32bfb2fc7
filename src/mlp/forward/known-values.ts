import { createInterpreter } from '../interpreter.ts'
import { type ComputeOperation, operandsOf, type Value } from '../operations.ts'
import type { InferenceProgram } from '../program.ts'
import type { FloatArray } from '../updates.ts'

/** A program, divided into what its weights decide already and what needs the features. */
export interface DividedProgram {
  /** Numbers of variables, constants, and of all that is computed from them alone; by the id of the value. */
  known: ReadonlyMap<number, FloatArray>
  operations: readonly ComputeOperation[]
}

/**
 * Computes beforehand, in double precision, what is the same for every example.
 * @param weights - every variable of the program, by name
 * @throws Error when one is missing
 */
export function divideProgram(
  program: InferenceProgram,
  weights: ReadonlyMap<string, Float32Array>,
): DividedProgram {
  const interpreter = createInterpreter(program.valueCount, Float64Array)
  const known = new Map<number, FloatArray>()
  for (const { name, value } of program.variables) {
    const array = weights.get(name)
    if (!array) throw new Error(`the weights must hold ${name}`)
    interpreter.set(value, array)
    known.set(value.id, array)
  }
  const isKnown = ({ id }: Value) => known.has(id)
  const operations: ComputeOperation[] = []
  for (const operation of program.operations) {
    if (!('output' in operation) || !operandsOf(operation).every(isKnown)) {
      operations.push(operation)
      continue
    }
    interpreter.run([operation], 1)
    known.set(operation.output.id, interpreter.get(operation.output))
  }
  return { known, operations }
}
