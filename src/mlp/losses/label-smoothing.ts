import { Type } from 'typebox'

/** How much of each label is spread over all classes. */
export const LabelSmoothingSchema = Type.Number({
  minimum: 0,
  exclusiveMaximum: 1,
  description: 'The part of each label that is spread over all classes. Default: 0.',
})
