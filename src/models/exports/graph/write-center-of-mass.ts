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
  // A row holds its columns' channels side by side, so that a step to the right is as many numbers as channels.
  const across = scaleAndShift(graph, dx, channels, 0)
  const moved = graph.matMul(
    graph.matMul(
      diagonal(graph, dy, height, (row, column) => row - column),
      graph.reshape(pixels, [height, width * channels]),
    ),
    diagonal(graph, across, width * channels, (row, column) => column - row),
  )
  return graph.reshape(moved, [size])
}

/** `[batch, length, length]`: 1 where the move is what `difference` gives. */
function diagonal(
  graph: GraphWriter,
  move: Tensor,
  length: number,
  difference: (row: number, column: number) => number,
): Tensor {
  const differences = Array.from({ length: length * length }, (_, index) =>
    difference(Math.floor(index / length), index % length),
  )
  const isThere = graph.isEqual(graph.numbers(differences, [1, length * length]), move)
  return graph.reshape(isThere, [length, length])
}
