import { Value } from 'typebox/value'
import { AppError } from '../../../errors.ts'
import { getModel, type VersionReference } from '../../../models/repository.ts'
import { type InterfaceDeps, loadInterface } from '../../named-inputs/model-interface.ts'
import { readSession, SESSION_HEADER } from '../../traffic/read-session.ts'
import { describeModel } from '../describe-model.ts'
import { computeOutputs } from '../infer.ts'
import { indexModels, loadModel, refuseOverrides, unloadModel } from '../load-models.ts'
import { ModelParams, readReference, VersionParams } from '../read-reference.ts'
import { describeServer, type OpenInferenceDeps } from '../server-metadata.ts'
import {
  codecOf,
  type InferRequestMessage,
  type ModelQuestion,
  type RepositoryRequestMessage,
} from './messages.ts'
import type { Method, Service } from './method.ts'
import { readInferMessage } from './read-infer.ts'
import { writeInferMessage } from './write-infer.ts'

/**
 * `inference.GRPCInferenceService`. Each of its methods answers what its route under `/v2` does.
 * @see https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_grpc.md
 */
export function createInferenceService(deps: OpenInferenceDeps & InterfaceDeps): Service {
  return {
    name: 'inference.GRPCInferenceService',
    codecOf: (method, kind) => codecOf(`inference.${method}${kind}`),
    methods: createMethods(deps),
  }
}

function createMethods(deps: OpenInferenceDeps & InterfaceDeps): Record<string, Method> {
  const resolve = async (question: ModelQuestion) => {
    const { name, reference } = readTarget(question)
    return deps.versions.resolve(name, reference)
  }
  return {
    ServerLive: { needsNoKey: true, answer: async () => ({ live: true }) },
    ServerReady: { needsNoKey: true, answer: async () => ({ ready: await deps.isReady() }) },
    ServerMetadata: { answer: async () => describeServer(deps) },
    ModelReady: {
      async answer(question) {
        try {
          await loadInterface(deps, await resolve(question as ModelQuestion))
          return { ready: true }
        } catch (error) {
          if (error instanceof AppError && error.status === 404) return { ready: false }
          throw error
        }
      },
    },
    ModelMetadata: {
      async answer(question) {
        const { name, version: wanted } = question as ModelQuestion
        const found = await resolve({ name, version: wanted })
        const versions = wanted === '' ? (await getModel(deps.db, name)).versions : [found.version]
        return describeModel(name, versions, await loadInterface(deps, found))
      },
    },
    ModelInfer: {
      async answer(request, call) {
        const message = request as InferRequestMessage
        const target = readTarget({ name: message.modelName, version: message.modelVersion })
        const session = readSession({ [SESSION_HEADER]: call.metadata.get(SESSION_HEADER)[0]?.toString() })
        const { version, id, outputs } = await computeOutputs(
          deps,
          { ...target, session },
          toDeadlineMs(call.getDeadline()),
          work => readInferMessage(message, work),
        )
        return writeInferMessage(version, id, outputs)
      },
    },
    RepositoryIndex: {
      async answer(request) {
        return { models: await indexModels(deps, (request as { ready: boolean }).ready) }
      },
    },
    RepositoryModelLoad: {
      async answer(request) {
        const { modelName, parameters } = request as RepositoryRequestMessage
        refuseOverrides(parameters)
        await loadModel(deps, readTarget({ name: modelName, version: '' }).name)
        return {}
      },
    },
    RepositoryModelUnload: {
      async answer(request) {
        const { modelName } = request as RepositoryRequestMessage
        await unloadModel(deps, readTarget({ name: modelName, version: '' }).name)
        return {}
      },
    },
  }
}

/** @throws {AppError} MODEL_NOT_FOUND, MODEL_VERSION_NOT_FOUND for what can be the name of none */
function readTarget({ name, version }: ModelQuestion): { name: string; reference: VersionReference } {
  if (!Value.Check(ModelParams, { name }))
    throw new AppError('MODEL_NOT_FOUND', 'a model must be named; no model has this name')
  if (version === '') return { name, reference: {} }
  if (!Value.Check(VersionParams.properties.version, version)) {
    throw new AppError('MODEL_VERSION_NOT_FOUND', 'a version must be a number or an alias; received neither')
  }
  return { name, reference: readReference(version) }
}

/** By `performance.now()`. @param deadline - of a call: a date, or milliseconds since 1970; Infinity: none */
function toDeadlineMs(deadline: Date | number): number {
  return performance.now() + (Number(deadline) - Date.now())
}
