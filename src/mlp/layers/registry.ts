import type { Type } from 'typebox'
import { type ActivationLayer, activation } from './activation.ts'
import { type BatchNormalization, batchNormalization } from './batch-normalization.ts'
import { type Dense, dense } from './dense.ts'
import { type Dropout, dropout } from './dropout.ts'
import type { LayerKind } from './layer.ts'
import { type LayerNormalization, layerNormalization } from './layer-normalization.ts'

/** Every kind of layer, by the type that requests use. */
export const LAYERS = { dense, dropout, batchNormalization, layerNormalization, activation } as const

/** A layer with its defaults filled in. */
export type Layer = Dense | Dropout | BatchNormalization | LayerNormalization | ActivationLayer

/** A layer in a request. */
export type LayerRequest = Type.Static<(typeof LAYERS)[keyof typeof LAYERS]['schema']>

/** The kind of a layer; the types of a registry's entry and its spec belong together. */
export function kindOf(layer: LayerRequest | Layer): LayerKind<Type.TObject, Layer> {
  return LAYERS[layer.type] as unknown as LayerKind<Type.TObject, Layer>
}
