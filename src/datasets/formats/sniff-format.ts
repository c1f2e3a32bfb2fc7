/** What a file is, by its first bytes. */
export type FileFormat = 'csv' | 'idx' | 'jsonl' | 'npy' | 'parquet' | 'zip'

/** Bytes that tell the format of a file. */
export const SNIFF_BYTES = 512

/**
 * The format of an unpacked file by its first bytes, whatever its name says; text that is no JSON is CSV. A `zip`
 * may hold arrays (NPZ) or images.
 */
export function sniffFormat(head: Buffer): FileFormat {
  if (head.toString('latin1', 0, 6) === '\x93NUMPY') return 'npy'
  if (head.toString('latin1', 0, 4) === 'PAR1') return 'parquet'
  if (['PK\x03\x04', 'PK\x05\x06'].includes(head.toString('latin1', 0, 4))) return 'zip'
  if (head.length >= 4 && head[0] === 0 && head[1] === 0 && (head[3] ?? 0) > 0 && (head[3] ?? 0) < 16) {
    return 'idx'
  }
  return /^(\xef\xbb\xbf)?[ \t\r\n]*[{[]/.test(head.toString('latin1')) ? 'jsonl' : 'csv'
}
