import type { StoredVersion } from '../../../models/repository.ts'
import type { OutputTensor } from '../output-tensors.ts'
import { bytesOf, writeElements } from '../write-response.ts'
import type { InferResponseMessage } from './messages.ts'

/** An answer: raw bytes for all of its outputs, or a list for each. */
export function writeInferMessage(
  { name, version }: Pick<StoredVersion, 'name' | 'version'>,
  id: string | null,
  outputs: readonly OutputTensor[],
): InferResponseMessage {
  const isRaw = outputs.some(({ isBinary }) => isBinary)
  return {
    modelName: name,
    modelVersion: String(version),
    ...(id !== null && { id }),
    outputs: outputs.map(output => ({
      name: output.name,
      datatype: output.datatype,
      shape: output.shape,
      ...(!isRaw && { contents: listOf(output) }),
    })),
    ...(isRaw && { rawOutputContents: outputs.map(rawOf) }),
  }
}

function rawOf(output: OutputTensor): Buffer {
  return output.datatype === 'BYTES' ? writeElements(output.texts) : bytesOf(output.numbers)
}

function listOf(output: OutputTensor) {
  return output.datatype === 'BYTES'
    ? { bytesContents: output.texts.map(text => Buffer.from(text)) }
    : { fp32Contents: Array.from(output.numbers) }
}
