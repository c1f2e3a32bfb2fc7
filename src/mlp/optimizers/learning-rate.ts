import { Type } from 'typebox'

/** How far one step goes. */
export const LearningRateSchema = Type.Number({
  exclusiveMinimum: 0,
  description:
    'How far one step goes. Any positive finite number; too large a one ends in TRAINING_DIVERGED.',
})
