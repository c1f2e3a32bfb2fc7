import type { Manifest } from '../../manifest.ts'
import { type GraphWriter, scaleAndShift, type Tensor } from './graph-writer.ts'

/**
 * Writes what is done to the network's outputs, so that they are what the service answers: one sigmoid unit gives the
 * second of two classes, and the first has the rest; numbers of a regression come in their own units.
 * @param outputs - `[batch, units]` float32
 */
export function writeOutputs(
  graph: GraphWriter,
  { kind, preprocessing: { target } }: Manifest,
  outputs: Tensor,
  units: number,
): Tensor {
  if (kind === 'classification' && units === 1) {
    const second = graph.toWorking(outputs, 'float32')
    return graph.toFloat32(graph.concat([scaleAndShift(graph, second, -1, 1), second]))
  }
  if (!target) return outputs
  const row = (numbers: number[]) => graph.numbers(numbers, [1, numbers.length])
  const scaled = graph.binary(
    'multiply',
    graph.toWorking(outputs, 'float32'),
    row(target.map(({ spread }) => spread)),
  )
  return graph.toFloat32(graph.binary('add', scaled, row(target.map(({ center }) => center))))
}
