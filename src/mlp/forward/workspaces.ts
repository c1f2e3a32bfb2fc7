import { compileKernels, type Kernels } from './kernels.ts'

/** A memory, and the kernels that work on it. */
export interface Workspace {
  memory: WebAssembly.Memory
  kernels: Kernels
}

/** Workspaces of networks, and those that networks gave back. */
export interface Workspaces {
  /** @returns one with that many bytes, or up to a quarter more, that are all 0 */
  take(bytes: number): Workspace
  /** Gives one back for another network; nobody may touch it any more. */
  give(workspace: Workspace): void
}

/** @see https://webassembly.github.io/spec/core/exec/runtime.html#page-size */
const PAGE_BYTES = 65_536
/** Unused ones that are kept, and their memory. */
const FREE_MAX = 16
const FREE_BYTES_MAX = 16 * 2 ** 20

/**
 * Where many models are loaded in turn, each one's memory is the one of a model that was let go: V8 gives memories
 * back in a collection of everything, which everybody waits for.
 */
export function createWorkspaces(): Workspaces {
  const instantiate = compileKernels()
  const free: Workspace[] = []
  let freeBytes = 0

  const remove = (index: number): Workspace | null => {
    const [removed = null] = index < 0 ? [] : free.splice(index, 1)
    freeBytes -= removed?.memory.buffer.byteLength ?? 0
    return removed
  }

  return {
    take(bytes) {
      const pages = Math.ceil(bytes / PAGE_BYTES)
      const [least, most] = [pages * PAGE_BYTES, Math.ceil(pages * 1.25) * PAGE_BYTES]
      const found = remove(
        free.findIndex(({ memory: { buffer } }) => buffer.byteLength >= least && buffer.byteLength <= most),
      )
      if (found) {
        new Uint8Array(found.memory.buffer).fill(0)
        return found
      }
      const memory = new WebAssembly.Memory({ initial: pages })
      return { memory, kernels: instantiate(memory) }
    },
    give(workspace) {
      const { byteLength } = workspace.memory.buffer
      if (byteLength > FREE_BYTES_MAX) return
      free.push(workspace)
      freeBytes += byteLength
      while (free.length > FREE_MAX || freeBytes > FREE_BYTES_MAX) remove(0)
    },
  }
}
