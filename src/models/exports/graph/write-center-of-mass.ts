import { type GraphWriter, scaleAndShift, type Tensor } from './graph-writer.ts'

/**
 * Writes the move of each image to its center of mass, as `centerImage` of `src/preprocessing/images.ts` does it. A move
 * is a product with a matrix that has ones on one of its diagonals; products with 0 and 1 are exact.
 * @param pixels - `[batch, height · width · channels]` in the working precision
 * @param shape - `[height, width, channels]`
 */
export function writeCenterOfMass(graph: GraphWriter, pixels: Tensor, shape: readonly number[]): Tensor {
  const [height = 0, width = 0, channels = 1] = shape
  const size = height * width * channels
  const momentOf = (weigh: (index: number) => number) =>
    graph.matMul(
      pixels,
      graph.numbers(
        Array.from({ length: size }, (_, index) => weigh(index)),
        [size, 1],
      ),
    )
  const total = graph.sumUnits(pixels)
  // An image without mass is black, and stays so wherever it is moved.
  const mass = graph.binary('add', total, graph.isEqual(total, graph.numbers([0], [])))
  const moveOf = (moment: Tensor, length: number) =>
    graph.unary(
      'floor',
      scaleAndShift(graph, graph.binary('divide', moment, mass), -1, (length - 1) / 2 + 0.5),
    )
  const dx = moveOf(
    momentOf(index => Math.floor(index / channels) % width),
    width,
  )
  const dy = moveOf(
    momentOf(index => Math.floor(index / (width * channels))),
    height,
  )
  const down = graph.matMul(
    graph.reshape(diagonal(graph, dy, height), [height, height]),
    graph.reshape(pixels, [height, width * channels]),
  )
  const across = graph.matMul(
    graph.reshape(diagonal(graph, dx, width), [1, width, width]),
    graph.reshape(down, [height, width, channels]),
  )
  return graph.reshape(across, [size])
}

/** `[batch, length²]`: 1 where row − column is the move. */
function diagonal(graph: GraphWriter, move: Tensor, length: number): Tensor {
  const differences = Array.from(
    { length: length * length },
    (_, index) => Math.floor(index / length) - (index % length),
  )
  return graph.isEqual(graph.numbers(differences, [1, length * length]), move)
}
