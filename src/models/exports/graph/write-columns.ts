import { AssertionError } from 'node:assert'
import type { FittedBoolean } from '../../../preprocessing/columns/boolean.ts'
import type { FittedCategorical } from '../../../preprocessing/columns/categorical.ts'
import type { FittedDatetime } from '../../../preprocessing/columns/datetime.ts'
import type { FittedNumeric } from '../../../preprocessing/columns/numeric.ts'
import type { UsedColumn } from '../used-columns.ts'
import { type GraphWriter, scaleAndShift, type Tensor } from './graph-writer.ts'
import { writePhase } from './write-phase.ts'

/**
 * Writes the encoding of a table: what `src/preprocessing/columns` does to cells, as a graph. Each column that is used
 * is an input `[batch, 1]` of its own, by its name: a number, and NaN where it is missing; a category as a text,
 * and an empty one where it is missing.
 * @returns `[batch, inputs]` in the working precision
 */
export function writeColumns(graph: GraphWriter, columns: readonly UsedColumn[]): Tensor {
  return graph.concat(
    columns.map(({ name, type, fitted }) => {
      const cells = graph.input(name, type === 'categorical' ? 'text' : 'float64', [1])
      switch (type) {
        case 'numeric':
          return writeNumeric(graph, graph.toWorking(cells, 'float64'), fitted as FittedNumeric)
        case 'boolean':
          return writeBoolean(graph, graph.toWorking(cells, 'float64'), fitted as FittedBoolean)
        case 'categorical':
          return writeCategorical(graph, cells, fitted as FittedCategorical)
        case 'datetime':
          return writeDatetime(graph, graph.toWorking(cells, 'float64'), fitted as FittedDatetime)
        default:
          throw new AssertionError({ message: `a column of type ${type} is never an input` })
      }
    }),
  )
}

function writeNumeric(graph: GraphWriter, cells: Tensor, fitted: FittedNumeric): Tensor {
  const { fill, clip, log1p, center, spread, indicator } = fitted
  let x = graph.fillMissing(cells, fill)
  if (clip) {
    x = graph.binary('maximum', x, graph.numbers([clip[0]], []))
    x = graph.binary('minimum', x, graph.numbers([clip[1]], []))
  }
  if (log1p) {
    const size = graph.unary('log', scaleAndShift(graph, graph.unary('abs', x), 1, 1))
    x = graph.binary('multiply', graph.unary('sign', x), size)
  }
  const scaled = standardize(graph, x, center, spread)
  return indicator ? graph.concat([scaled, graph.isMissing(cells)]) : scaled
}

function writeBoolean(graph: GraphWriter, cells: Tensor, { fill, indicator }: FittedBoolean): Tensor {
  const x = graph.fillMissing(cells, fill)
  return indicator ? graph.concat([x, graph.isMissing(cells)]) : x
}

function writeCategorical(graph: GraphWriter, cells: Tensor, fitted: FittedCategorical): Tensor {
  const { categories, encode, rare, fill, indicator } = fitted
  const isMissing = graph.isSameText(cells, graph.texts(['']))
  const own = graph.isSameText(cells, graph.texts(categories))
  const isFound = graph.sumUnits(own)
  const fillPlace = fill === null ? -1 : categories.indexOf(fill)
  if (encode === 'ordinal') {
    const places = graph.numbers([...categories.keys()], [1, categories.length])
    const place = graph.sumUnits(graph.binary('multiply', own, places))
    const elsewhere = scaleAndShift(graph, scaleAndShift(graph, isFound, -1, 1), fillPlace, 0)
    const last = Math.max(1, categories.length - 1)
    const scaled = graph.binary('divide', graph.binary('add', place, elsewhere), graph.numbers([last], []))
    return indicator ? graph.concat([scaled, scaleAndShift(graph, isFound, -1, 1)]) : scaled
  }
  const filled = graph.binary(
    'add',
    own,
    graph.binary(
      'multiply',
      isMissing,
      graph.numbers(
        categories.map((_, place) => (place === fillPlace ? 1 : 0)),
        [1, categories.length],
      ),
    ),
  )
  const others = scaleAndShift(graph, graph.sumUnits(filled), -1, 1)
  if (fill !== null) return rare ? graph.concat([filled, others]) : filled
  return graph.concat([filled, ...(rare ? [graph.binary('subtract', others, isMissing)] : []), isMissing])
}

function writeDatetime(graph: GraphWriter, cells: Tensor, fitted: FittedDatetime): Tensor {
  const { parts, elapsed, fill, indicator, center, spread } = fitted
  const milliseconds = graph.fillMissing(cells, fill)
  return graph.concat([
    ...parts.flatMap(part => {
      const angle = scaleAndShift(graph, writePhase(graph, part, milliseconds), 2 * Math.PI, 0)
      return [graph.unary('sin', angle), graph.unary('cos', angle)]
    }),
    ...(elapsed ? [standardize(graph, milliseconds, center, spread)] : []),
    ...(indicator ? [graph.isMissing(cells)] : []),
  ])
}

function standardize(graph: GraphWriter, x: Tensor, center: number, spread: number): Tensor {
  const centered = scaleAndShift(graph, x, 1, -center)
  return spread === 1 ? centered : graph.binary('divide', centered, graph.numbers([spread], []))
}
