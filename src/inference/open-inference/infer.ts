import type { InterfaceDeps } from '../named-inputs/model-interface.ts'
import { type PredictionTarget, predictNamed } from '../named-inputs/predict-named.ts'
import type { PredictDeps } from '../predict.ts'
import { buildOutputs } from './output-tensors.ts'
import { type ParseInferRequest, readInferRequest } from './read-request.ts'
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
  const startMs = performance.now()
  const reading = deps.turns.begin(deadlineMs)
  const request = await readInferRequest(parse, body, jsonLength, reading)
  const { id, inputs, timeoutMs } = request
  const work = timeoutMs === null ? reading : deps.turns.begin(Math.min(deadlineMs, startMs + timeoutMs))
  const { version, model, probabilities } = await predictNamed(deps, target, inputs, work)
  const outputs = buildOutputs(model, request, probabilities)
  const head = {
    model_name: version.name,
    model_version: String(version.version),
    ...(id !== null && { id }),
  }
  return writeInferResponse(head, outputs, work)
}
