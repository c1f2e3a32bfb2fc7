import { invalidParquet } from './file.ts'
import { walkThrift } from './thrift.ts'

/** What stands before a page. */
export interface PageHeader {
  kind: 'data' | 'data2' | 'dictionary' | 'other'
  /** Position of the page after its header. */
  end: number
  packedBytes: number
  bytes: number
  /** CRC-32 of the packed page; null where there is none. */
  checksum: number | null
  /** Values with those that are missing; of a dictionary its entries. */
  values: number
  encoding: Encoding
  /** Of the levels that say which values are missing, in the first version of pages. */
  levelEncoding: Encoding
  /** Of the second version of pages. */
  levelBytes: number
  repetitionBytes: number
  isPacked: boolean
}

/** How values are written, by number. @see https://parquet.apache.org/docs/file-format/data-pages/encodings/ */
export const ENCODING = {
  plain: 0,
  plainDictionary: 2,
  runs: 3,
  deltaBinaryPacked: 5,
  deltaLengthByteArray: 6,
  deltaByteArray: 7,
  dictionary: 8,
  byteStreamSplit: 9,
} as const

/** How values are written. */
export type Encoding = number

const KINDS: Readonly<Record<number, PageHeader['kind']>> = { 0: 'data', 2: 'dictionary', 3: 'data2' }
/** Field of the header that has the header of its kind. */
const KIND_FIELDS = { data: 5, dictionary: 7, data2: 8, other: -1 }

/**
 * Reads the header of a page.
 * @throws {AppError} DATASET_INVALID
 * @see https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift: PageHeader
 */
export function readPageHeader(bytes: Buffer): PageHeader {
  const found = new Map<string, number>()
  const end = walkThrift(bytes, 0, (parent, field, value) => found.set(`${parent}.${field}`, value))
  const kind = KINDS[found.get('0.1') ?? -1] ?? 'other'
  const read = (field: number, otherwise?: number) => {
    const value = found.get(`${KIND_FIELDS[kind]}.${field}`) ?? otherwise
    if (value === undefined || value < 0) throw invalidParquet('has a page whose header is not whole')
    return value
  }
  const [bytesOf, packedBytes] = [found.get('0.2') ?? -1, found.get('0.3') ?? -1]
  if (bytesOf < 0 || packedBytes < 0) throw invalidParquet('has a page whose header is not whole')
  const isSecond = kind === 'data2'
  const header: PageHeader = {
    kind,
    end,
    packedBytes,
    bytes: bytesOf,
    checksum: found.get('0.4') ?? null,
    values: kind === 'other' ? 0 : read(1),
    encoding: kind === 'other' ? 0 : read(isSecond ? 4 : 2),
    levelEncoding: kind === 'data' ? read(3, ENCODING.runs) : ENCODING.runs,
    levelBytes: isSecond ? read(5) : 0,
    repetitionBytes: isSecond ? read(6) : 0,
    isPacked: !isSecond || read(7, 1) === 1,
  }
  if (header.levelBytes + header.repetitionBytes > Math.min(packedBytes, bytesOf)) {
    throw invalidParquet('has a page whose levels are larger than it')
  }
  return header
}
