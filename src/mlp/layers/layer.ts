import type { Type } from 'typebox'
import type { Graph } from '../graph.ts'
import type { Block } from './block.ts'

/**
 * A kind of layer.
 * @typeParam Schema - the layer in a request
 * @typeParam Spec - the layer with its defaults filled in
 */
export interface LayerKind<Schema extends Type.TObject, Spec> {
  schema: Schema
  /** Fills in Keras's defaults. */
  resolve(request: Type.Static<Schema>): Spec
  /** Outputs of the layer. */
  units(layer: Spec, inputUnits: number): number
  /** Numbers that the layer adds to the model. */
  countParameters(layer: Spec, inputUnits: number): number
  /**
   * Declares the layer's variables and gives its blocks in order.
   * @param name - unique in the network: `dense_1`
   */
  build(graph: Graph, name: string, layer: Spec, inputUnits: number): Block[]
}
