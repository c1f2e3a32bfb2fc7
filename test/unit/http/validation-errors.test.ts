import { Ajv } from 'ajv'
import type { FastifySchemaValidationError } from 'fastify/types/schema.js'
import { Type } from 'typebox'
import { describe, expect, it } from 'vitest'
import { validationErrors } from '../../../src/http/validation-errors.ts'
import { JobRequestSchema } from '../../../src/jobs/schemas.ts'

/** What the validator of request bodies finds, as `src/http/validation.ts` sets it up. */
function errorsOf(schema: object, value: unknown, context = 'body') {
  const check = new Ajv({ allErrors: true, discriminator: true, strict: false }).compile(schema)
  expect(check(value)).toBe(false)
  // Ajv's errors are what Fastify hands on; only the type of `params` is wider.
  return validationErrors((check.errors ?? []) as FastifySchemaValidationError[], context)
}

const REQUEST = {
  datasetId: 'ds_1',
  network: { layers: [{ type: 'dense', units: 3 }] },
}

describe('an error of a body', () => {
  it.each([
    ['a missing field', { network: REQUEST.network }, '/datasetId', 'is required'],
    ['an unknown field', { ...REQUEST, colour: 'red' }, '/colour', 'is not a known field'],
    ['a wrong type', { ...REQUEST, datasetId: 7 }, '/datasetId', 'must be string'],
    [
      'a number out of range',
      { ...REQUEST, training: { batchSize: 0 } },
      '/training/batchSize',
      'must be >= 1',
    ],
    [
      'a word that is not in the list',
      { ...REQUEST, network: { layers: [{ type: 'dense', units: 3, activation: 'mish' }] } },
      '/network/layers/0/activation',
      'must be one of linear, relu, leakyRelu, elu, selu, gelu, silu, softplus, sigmoid, tanh, softmax',
    ],
    [
      'an unknown alternative',
      { ...REQUEST, network: { layers: [{ type: 'convolution', units: 3 }] } },
      '/network/layers/0/type',
      'must be one of the known types',
    ],
    [
      'a wrong field of the alternative that was meant',
      { ...REQUEST, training: { optimizer: { type: 'sgd', beta1: 0.9 } } },
      '/training/optimizer/beta1',
      'is not a known field',
    ],
  ])('names the place of %s and what is required', (_, body, pointer, detail) => {
    expect(errorsOf(JobRequestSchema, body)).toEqual([{ pointer, detail }])
  })

  it('comes once for each place, and for all places at once', () => {
    const body = { network: { layers: [{ type: 'dense', units: 0.5 }] }, training: { epochs: 0 } }
    const errors = errorsOf(JobRequestSchema, body)
    expect(errors.map(({ pointer }) => pointer).sort()).toEqual([
      '/datasetId',
      '/network/layers/0/units',
      '/training/epochs',
    ])
  })

  it('says what is wrong and not that null would have fitted', () => {
    const schema = Type.Object({ limit: Type.Union([Type.Integer({ minimum: 1 }), Type.Null()]) })
    expect(errorsOf(schema, { limit: 0 })).toEqual([{ pointer: '/limit', detail: 'must be >= 1' }])
  })

  it('escapes names by RFC 6901', () => {
    const schema = Type.Object({}, { additionalProperties: false })
    expect(errorsOf(schema, { 'a/b~c': 1 })).toEqual([
      { pointer: '/a~1b~0c', detail: 'is not a known field' },
    ])
  })

  it('names the value of a constant', () => {
    const schema = Type.Object({ format: Type.Literal('idx') })
    expect(errorsOf(schema, { format: 'csv' })).toEqual([{ pointer: '/format', detail: 'must be "idx"' }])
  })
})

it('an error of the query names its parameter', () => {
  const schema = Type.Object({ limit: Type.Integer({ maximum: 100 }) })
  expect(errorsOf(schema, { limit: 101 }, 'querystring')).toEqual([
    { parameter: 'limit', detail: 'must be <= 100' },
  ])
})
