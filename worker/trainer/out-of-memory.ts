/**
 * What V8, the C++ library, WebAssembly, TensorFlow and CUDA say when they cannot get memory. `std::length_error` is what
 * a container throws that is asked for more than can be addressed.
 */
const SIGNS =
  /heap out of memory|Fatal (process|JavaScript) out of memory|bad_alloc|std::length_error|allocation failed|could not allocate memory|Cannot allocate memory|OOM when allocating|CUDA_ERROR_OUT_OF_MEMORY|RESOURCE_EXHAUSTED|Dst tensor is not initialized|\bENOMEM\b/i

/** Whether a message says that a process could not get the memory it asked for. */
export function isOutOfMemory(message: string): boolean {
  return SIGNS.test(message)
}
