import type { StoredVersion } from '../../models/repository.ts'
import type { InterfaceDeps } from '../named-inputs/model-interface.ts'
import { type PredictionTarget, predictNamed } from '../named-inputs/predict-named.ts'
import type { PredictDeps } from '../predict.ts'
import type { Work } from '../turns.ts'
import { buildOutputs, type OutputTensor } from './output-tensors.ts'
import { type InferRequest, type ParseInferRequest, readInferRequest } from './read-request.ts'
import { type InferResponse, writeInferResponse } from './write-response.ts'

/** A body as it came. */
export interface InferBody {
  parse: ParseInferRequest
  body: Buffer
  /** Bytes of JSON at its beginning; null: it is all JSON. */
  jsonLength: number | null
  /** By `performance.now()`; Infinity: no haste. */
  deadlineMs: number
}

/**
 * Answers a request of the Open Inference Protocol.
 * @throws {AppError} of `readInferRequest`, `predictNamed` and `buildOutputs`
 */
export async function infer(
  deps: PredictDeps & InterfaceDeps,
  target: PredictionTarget,
  { parse, body, jsonLength, deadlineMs }: InferBody,
): Promise<InferResponse> {
  const { version, id, outputs, work } = await computeOutputs(deps, target, deadlineMs, reading =>
    readInferRequest(parse, body, jsonLength, reading),
  )
  const head = {
    model_name: version.name,
    model_version: String(version.version),
    ...(id !== null && { id }),
  }
  return writeInferResponse(head, outputs, work)
}

/** What a request came to, however it is to be written. */
export interface InferOutputs {
  version: StoredVersion
  /** The client's own name for the request. */
  id: string | null
  outputs: OutputTensor[]
  /** The request's, to go on with. */
  work: Work
}

/**
 * Reads a request and computes what it wants, within its time.
 * @throws {AppError} of `read`, `predictNamed` and `buildOutputs`
 */
export async function computeOutputs(
  deps: PredictDeps & InterfaceDeps,
  target: PredictionTarget,
  deadlineMs: number,
  read: (work: Work) => Promise<InferRequest>,
): Promise<InferOutputs> {
  const startMs = performance.now()
  const reading = deps.turns.begin(deadlineMs)
  const request = await read(reading)
  const { id, inputs, timeoutMs } = request
  const work = timeoutMs === null ? reading : deps.turns.begin(Math.min(deadlineMs, startMs + timeoutMs))
  const { version, model, probabilities } = await predictNamed(deps, target, inputs, work)
  return { version, id, outputs: buildOutputs(model, request, probabilities), work }
}
