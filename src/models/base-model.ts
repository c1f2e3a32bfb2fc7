import { Type } from 'typebox'

/** Which layers begin with the weights of the base model. */
export const TakenLayersSchema = Type.Enum(['all', 'matching'] as const, {
  description:
    'all: every layer with weights must fit, one by one. matching: those that fit are taken, the others are ' +
    'initialised anew, and the last one too where the classes are others. Default: all.',
})

/** What a training began with: a version, and which layers took its weights. */
export const BaseModelSchema = Type.Object(
  {
    name: Type.String(),
    version: Type.Integer(),
    sha256: Type.String({ description: 'Of its manifest.' }),
    layers: TakenLayersSchema,
    takenLayers: Type.Array(Type.Object({ layer: Type.String(), from: Type.String() }), {
      description: 'Layers of the network, and those of the base whose weights they began with: `dense_1`, …',
    }),
    newLayers: Type.Array(Type.String(), { description: 'Layers that were initialised anew.' }),
    keptPreprocessing: Type.Boolean({
      description: 'Whether features are prepared with the figures of the base, and none were learnt.',
    }),
  },
  { title: 'Base model' },
)

/** What a training began with. */
export type BaseModel = Type.Static<typeof BaseModelSchema>
