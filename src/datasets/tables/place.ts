import { AppError } from '../../errors.ts'

/** Where in a file a reader is; one object for a file, moved on row by row. */
export interface Place {
  unit: 'line' | 'row'
  /** From 1. */
  number: number
}

/** A cell that cannot be read. */
export class CellError extends AppError {
  readonly column: string
  /** What is required and what was received, without the place. */
  readonly detail: string

  constructor(place: Readonly<Place>, column: string, detail: string) {
    super('DATASET_INVALID', `${place.unit} ${place.number}, column ${quote(column)}: ${detail}`)
    this.column = column
    this.detail = detail
  }
}

/** An error that names row and column. */
export function invalidCell(place: Readonly<Place>, column: string, detail: string): CellError {
  return new CellError(place, column, detail)
}

/** An error that names the row. */
export function invalidRow(place: Readonly<Place>, detail: string): AppError {
  return new AppError('DATASET_INVALID', `${place.unit} ${place.number}: ${detail}`)
}

/** A text in quotes, cut where it is long; for messages. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}
