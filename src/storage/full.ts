/**
 * No space, over the quota, or over the process's limit of a file's size. @see errno(3)
 * Postgres says it in its own words. @see Postgres appendix A, 53100
 */
const FULL_CODES = /^(ENOSPC|EDQUOT|EFBIG|53100)$/

/** Whether an error says that the disk, of the data folder or of Postgres, has no space left. */
export function isStorageFull(error: unknown): boolean {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && FULL_CODES.test(String(cause.code))) return true
  }
  return false
}
