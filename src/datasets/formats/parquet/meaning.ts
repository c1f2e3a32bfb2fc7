import type { SchemaElement } from 'hyparquet'

/** How the values of a column lie in its pages, and what they mean. */
export type Layout =
  | 'boolean'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'uint64'
  | 'float16'
  | 'float'
  | 'double'
  | 'decimal32'
  | 'decimal64'
  | 'decimalBytes'
  | 'days'
  | 'milliseconds'
  | 'microseconds'
  | 'nanoseconds'
  | 'int96'
  | 'text'
  | 'uuid'

/** What a column of a Parquet file is. */
export interface ParquetColumn {
  name: string
  layout: Layout
  /** Bytes of a value; 0 where they differ, and of booleans, which are bits. */
  width: number
  /** Digits after the point of a decimal. */
  scale: number
  isOptional: boolean
}

/** Bytes of a value of each physical type. */
const WIDTHS: Readonly<Record<string, number>> = { INT32: 4, INT64: 8, INT96: 12, FLOAT: 4, DOUBLE: 8 }

/**
 * What a column without nesting means.
 * @returns a text that says what it is when nothing can be learnt from it
 * @see https://github.com/apache/parquet-format/blob/master/LogicalTypes.md
 */
export function findMeaning(element: SchemaElement): ParquetColumn | string {
  const layout = findLayout(element)
  if (layout === null) return describe(element)
  const { name, type = '', type_length: length = 0, repetition_type: repetition } = element
  const { logical_type: logical } = element
  const scale = element.scale ?? (logical?.type === 'DECIMAL' ? logical.scale : 0)
  const width = type === 'FIXED_LEN_BYTE_ARRAY' ? length : (WIDTHS[type] ?? 0)
  return { name, layout, width, scale, isOptional: repetition === 'OPTIONAL' }
}

function findLayout(element: SchemaElement): Layout | null {
  const { type, converted_type: converted, logical_type: logical, type_length: length = 0 } = element
  const isDecimal = converted === 'DECIMAL' || logical?.type === 'DECIMAL'
  const isTime = converted?.startsWith('TIME_') || logical?.type === 'TIME'
  const isUnsigned = logical?.type === 'INTEGER' && !logical.isSigned
  switch (type) {
    case 'BOOLEAN':
      return 'boolean'
    case 'FLOAT':
      return 'float'
    case 'DOUBLE':
      return 'double'
    case 'INT96':
      return 'int96'
    case 'INT32':
      if (isTime) return null
      if (isDecimal) return 'decimal32'
      if (converted === 'DATE' || logical?.type === 'DATE') return 'days'
      return isUnsigned || converted === 'UINT_32' ? 'uint32' : 'int32'
    case 'INT64':
      if (isTime) return null
      if (isDecimal) return 'decimal64'
      if (logical?.type === 'TIMESTAMP') return UNITS[logical.unit]
      if (converted === 'TIMESTAMP_MILLIS') return 'milliseconds'
      if (converted === 'TIMESTAMP_MICROS') return 'microseconds'
      return isUnsigned || converted === 'UINT_64' ? 'uint64' : 'int64'
    case 'BYTE_ARRAY': {
      const isText = logical === undefined || ['STRING', 'ENUM', 'JSON'].includes(logical.type)
      return isText && !isDecimal && converted !== 'BSON' ? 'text' : null
    }
    case 'FIXED_LEN_BYTE_ARRAY':
      if (isDecimal && length > 0 && length <= 32) return 'decimalBytes'
      if (logical?.type === 'UUID' && length === 16) return 'uuid'
      return logical?.type === 'FLOAT16' && length === 2 ? 'float16' : null
    default:
      return null
  }
}

const UNITS = { MILLIS: 'milliseconds', MICROS: 'microseconds', NANOS: 'nanoseconds' } as const

function describe({ type, converted_type: converted, logical_type: logical }: SchemaElement): string {
  return logical?.type ?? converted ?? type ?? 'nothing'
}
