import { cutNumbers } from '../named-inputs/cut-numbers.ts'
import type { InterfaceDeps } from '../named-inputs/model-interface.ts'
import { type PredictionTarget, predictNamed } from '../named-inputs/predict-named.ts'
import type { PredictDeps } from '../predict.ts'
import { ARRAY_FIELDS, readExamples, readPredictInputs } from './read-inputs.ts'
import type { ExamplesRequestJson, PredictRequestJson } from './schemas.ts'
import { assertMethod, assertSignature, type Method } from './signatures.ts'
import { writeClasses, writePredictions, writeValues } from './write-answer.ts'

/** A body as it came, and how it is parsed and checked against its schema. */
export interface ServingBody<Json> {
  body: Buffer
  parse: (json: string) => Json
  /** By `performance.now()`; Infinity: no haste. */
  deadlineMs: number
}

type Deps = PredictDeps & InterfaceDeps

/**
 * Answers `:predict`.
 * @returns JSON
 * @throws {AppError} of `parse`, `readPredictInputs` and `predictNamed`
 */
export async function answerPredict(
  deps: Deps,
  target: PredictionTarget,
  { body, parse, deadlineMs }: ServingBody<PredictRequestJson>,
): Promise<string> {
  const work = deps.turns.begin(deadlineMs)
  const { json, arrays } = await cutNumbers(body, ARRAY_FIELDS, work)
  const request = parse(json)
  assertSignature('predict', request.signature_name)
  const { format, inputs } = readPredictInputs(request, arrays)
  const { model, probabilities } = await predictNamed(deps, target, inputs, work)
  return writePredictions(format, model, probabilities, work)
}

/**
 * Answers `:classify` and `:regress`.
 * @returns JSON
 * @throws {AppError} of `parse`, `readExamples` and `predictNamed`, and INPUT_INVALID for a model of another kind
 */
export async function answerExamples(
  deps: Deps,
  method: Exclude<Method, 'predict'>,
  target: PredictionTarget,
  { body, parse, deadlineMs }: ServingBody<ExamplesRequestJson>,
): Promise<string> {
  const work = deps.turns.begin(deadlineMs)
  const request = parse(body.toString('utf8'))
  assertSignature(method, request.signature_name)
  const { model, probabilities } = await predictNamed(deps, target, readExamples(request), work)
  assertMethod(method, model)
  return method === 'classify' ? writeClasses(model, probabilities, work) : writeValues(probabilities, work)
}
