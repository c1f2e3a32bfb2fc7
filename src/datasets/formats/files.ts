import type { PreparedDataset } from '../prepared.ts'
import type { SplitName } from '../schemas.ts'

/** Takes the files of an upload in, in any order, and makes a dataset of them. */
export interface FileReader {
  /** The file parts that it takes. */
  readonly parts: readonly string[]
  /** @throws {AppError} with the part as pointer */
  receive(part: string, content: AsyncIterable<Buffer>): Promise<void>
  /** Once all files are there. @throws {AppError} DATASET_INVALID */
  prepare(): Promise<PreparedDataset>
}

/** One unpacked file that arrives. */
export interface ArrivingFile {
  part: string
  split: SplitName
  pieces: AsyncIterable<Buffer>
}

/** The same for files of one format. */
export interface FormatFiles {
  add(file: ArrivingFile): Promise<void>
  prepare(): Promise<PreparedDataset>
}
