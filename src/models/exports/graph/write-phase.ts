import type { DatetimePart } from '../../../preprocessing/columns/datetime.ts'
import { type GraphWriter, scaleAndShift, type Tensor } from './graph-writer.ts'

const DAY_MS = 86_400_000

/** Days from 0000-03-01 to 1970-01-01. */
const DAYS_BEFORE_1970 = 719_468

/**
 * Writes how far a part of a time has come round, 0 … 1, in UTC, as `src/preprocessing/columns/datetime.ts` computes it.
 * All numbers are whole and far below 2⁵³, so quotients are cut off exactly in float64.
 * @param time - milliseconds since 1970
 */
export function writePhase(graph: GraphWriter, part: DatetimePart, time: Tensor): Tensor {
  const days = quotient(graph, time, DAY_MS)
  const ofDay = remainder(graph, time, days, DAY_MS)
  switch (part) {
    case 'month':
      return divide(graph, scaleAndShift(graph, writeDate(graph, days).month, 1, -1), 12)
    case 'dayOfMonth':
      return divide(graph, scaleAndShift(graph, writeDate(graph, days).day, 1, -1), 31)
    case 'dayOfWeek': {
      const sinceSunday = scaleAndShift(graph, days, 1, 4) // 1970 began on a Thursday
      return divide(graph, remainder(graph, sinceSunday, quotient(graph, sinceSunday, 7), 7), 7)
    }
    case 'hour': {
      const hour = quotient(graph, ofDay, 3_600_000)
      const minute = quotient(graph, remainder(graph, ofDay, hour, 3_600_000), 60_000)
      return divide(graph, graph.binary('add', hour, divide(graph, minute, 60)), 24)
    }
    case 'minute': {
      const hour = quotient(graph, ofDay, 3_600_000)
      return divide(graph, quotient(graph, remainder(graph, ofDay, hour, 3_600_000), 60_000), 60)
    }
  }
}

/**
 * Month, 1 … 12, and day of the month, 1 … 31, of a day since 1970 in the Gregorian calendar; years begin in March.
 * @see Hinnant, "chrono-compatible low-level date algorithms", civil_from_days
 */
function writeDate(graph: GraphWriter, days: Tensor): { month: Tensor; day: Tensor } {
  const add = (a: Tensor, b: Tensor) => graph.binary('add', a, b)
  const subtract = (a: Tensor, b: Tensor) => graph.binary('subtract', a, b)
  const z = scaleAndShift(graph, days, 1, DAYS_BEFORE_1970)
  const dayOfEra = remainder(graph, z, quotient(graph, z, 146_097), 146_097)
  const leapDays = subtract(
    add(subtract(dayOfEra, quotient(graph, dayOfEra, 1_460)), quotient(graph, dayOfEra, 36_524)),
    quotient(graph, dayOfEra, 146_096),
  )
  const year = quotient(graph, leapDays, 365)
  const before = subtract(
    add(scaleAndShift(graph, year, 365, 0), quotient(graph, year, 4)),
    quotient(graph, year, 100),
  )
  const dayOfYear = subtract(dayOfEra, before)
  const fromMarch = quotient(graph, scaleAndShift(graph, dayOfYear, 5, 2), 153) // 0: March
  const firstDay = quotient(graph, scaleAndShift(graph, fromMarch, 153, 2), 5)
  const wraps = quotient(graph, fromMarch, 10) // 1 for January and February
  return {
    month: subtract(scaleAndShift(graph, fromMarch, 1, 3), scaleAndShift(graph, wraps, 12, 0)),
    day: scaleAndShift(graph, subtract(dayOfYear, firstDay), 1, 1),
  }
}

function divide(graph: GraphWriter, x: Tensor, divisor: number): Tensor {
  return graph.binary('divide', x, graph.numbers([divisor], []))
}

/** ⌊x / divisor⌋. */
function quotient(graph: GraphWriter, x: Tensor, divisor: number): Tensor {
  return graph.unary('floor', divide(graph, x, divisor))
}

/** x − quotient · divisor. */
function remainder(graph: GraphWriter, x: Tensor, whole: Tensor, divisor: number): Tensor {
  return graph.binary('subtract', x, scaleAndShift(graph, whole, divisor, 0))
}
