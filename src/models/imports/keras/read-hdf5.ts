import { randomUUID } from 'node:crypto'
import { Dataset, File, ready } from 'h5wasm'
import { sizeOf } from '../../exports/exported-model.ts'
import { quote } from '../parse-json.ts'
import { refuse } from '../refuse.ts'

/** Arrays of an HDF5 file. */
export interface Hdf5 {
  /**
   * An array of float32.
   * @param name - what it is, for messages
   * @throws {AppError} MODEL_FILE_INVALID when it is not there, or other numbers in another shape
   */
  read(path: string, shape: readonly number[], name: string): Float32Array
  close(): void
}

/**
 * Opens an HDF5 file that is in memory. The library works on a file system of its own, in memory too: what a file
 * links to elsewhere does not exist there. (Its build for Node.js would work on that of the machine.)
 * @throws {AppError} MODEL_FILE_INVALID
 */
export async function openHdf5(bytes: Uint8Array): Promise<Hdf5> {
  const { FS, activate_throwing_error_handler: throwErrors } = await ready
  throwErrors() // instead of printing them
  const place = `/${randomUUID()}`
  FS.writeFile(place, bytes)
  const remove = () => FS.unlink(place)
  try {
    const file = new File(place, 'r')
    return {
      read: (path, shape, name) => readArray(file, path, shape, name),
      close() {
        file.close()
        remove()
      },
    }
  } catch (error) {
    remove()
    throw refuse(`the weights must be a whole HDF5 file: ${reasonOf(error)}`)
  }
}

function readArray(file: File, path: string, shape: readonly number[], name: string): Float32Array {
  const wanted = `[${shape.join(', ')}] float32`
  const found = attempt(() => file.get(path), name)
  if (!(found instanceof Dataset)) throw refuse(`the weights must hold ${name} at ${path}`)
  const { type, size, littleEndian, virtual_sources: sources } = attempt(() => found.metadata, name)
  if (type !== FLOAT || size !== 4 || !littleEndian || sources) {
    throw refuse(`${name} must be ${wanted}; received other numbers (${quote(found.dtype)})`)
  }
  // The shape comes first: nothing larger than what is wanted is unpacked.
  if (found.shape?.join() !== shape.join()) {
    throw refuse(`${name} must be ${wanted}; received [${found.shape?.join(', ')}]`)
  }
  const value = attempt(() => found.value, name)
  if (value instanceof Float32Array && value.length === sizeOf(shape)) return value.slice()
  throw refuse(`${name} must be ${wanted}; it cannot be read`)
}

/** H5T_FLOAT. @see H5Tpublic.h, H5T_class_t */
const FLOAT = 1

/** What the library says of a broken file differs from release to release. */
function attempt<Result>(read: () => Result, name: string): Result {
  try {
    return read()
  } catch (error) {
    throw refuse(`${name} cannot be read: ${reasonOf(error)}`)
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
