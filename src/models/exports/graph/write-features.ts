import type { Manifest } from '../../manifest.ts'
import { sizeOf } from '../exported-model.ts'
import { usedColumns } from '../used-columns.ts'
import { type GraphWriter, scaleAndShift, type Tensor } from './graph-writer.ts'
import { writeCenterOfMass } from './write-center-of-mass.ts'
import { writeColumns } from './write-columns.ts'

/** What features without names are called. */
export const INPUT = 'input'

/** The working precision that the features need: float64 where cells and figures have it, or sums are long. */
export function precisionFor({ preprocessing }: Manifest): 'float32' | 'float64' {
  const isPlain = 'scale' in preprocessing && !preprocessing.image?.centerOfMass
  return isPlain ? 'float32' : 'float64'
}

/**
 * Declares the inputs of the graph, in the data's own units, and writes what the encoder does to them.
 * @param bytes - how bytes are fed
 * @returns `[batch, inputs]` float32, as the first layer takes them
 */
export function writeFeatures(graph: GraphWriter, manifest: Manifest, bytes: 'uint8' | 'float32'): Tensor {
  const columns = usedColumns(manifest)
  if (columns) return graph.toFloat32(writeColumns(graph, columns))
  const { preprocessing } = manifest
  const { shape, dtype } = manifest.input
  const size = sizeOf(shape)
  const type = dtype === 'uint8' ? bytes : 'float32'
  const raw = graph.toWorking(graph.input(INPUT, type, shape), type)
  let x = shape.length === 1 ? raw : graph.reshape(raw, [size])
  const image = 'image' in preprocessing ? preprocessing.image : undefined
  if (image?.invert) x = scaleAndShift(graph, x, -1, 255)
  if (image?.centerOfMass) x = writeCenterOfMass(graph, x, shape)
  if ('scale' in preprocessing) {
    return graph.toFloat32(scaleAndShift(graph, x, preprocessing.scale, preprocessing.offset ?? 0))
  }
  const { centers, spreads } = preprocessing as Extract<typeof preprocessing, { centers: unknown }>
  const centered = graph.binary('subtract', x, graph.numbers(centers, [1, size]))
  return graph.toFloat32(graph.binary('divide', centered, graph.numbers(spreads, [1, size])))
}
