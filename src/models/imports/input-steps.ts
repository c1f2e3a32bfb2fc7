import { featureCount } from '../../datasets/content.ts'
import { fieldError } from '../../errors.ts'
import { PLAIN_IMAGES } from '../../preprocessing/images.ts'
import type { FittedPreprocessing } from '../../preprocessing/preprocessing.ts'
import type { Step } from './model-file.ts'
import type { ImportOptions } from './options.ts'
import { refuse } from './refuse.ts'

/** y = x · scale + shift. */
export type Affine = Extract<Step, { kind: 'affine' }>

/** One step that does what several do, one after the other: one number for all features, or one for each. */
export function composeAffine(steps: readonly Step[], features: number): Affine {
  const own = steps.filter(step => step.kind === 'affine')
  const isUniform = own.every(({ scale, shift }) => scale.length === 1 && shift.length === 1)
  const scale = new Array<number>(isUniform ? 1 : features).fill(1)
  const shift = new Array<number>(isUniform ? 1 : features).fill(0)
  for (const step of own) {
    for (const [index, before] of scale.entries()) {
      const factor = numberAt(step.scale, index)
      scale[index] = before * factor
      shift[index] = (shift[index] ?? 0) * factor + numberAt(step.shift, index)
    }
  }
  return { kind: 'affine', of: own.map(({ of }) => of).join(', '), scale, shift }
}

/** One number counts for all. */
function numberAt(numbers: readonly number[], index: number): number {
  return (numbers.length === 1 ? numbers[0] : numbers[index]) ?? Number.NaN
}

/**
 * The preprocessing: what the owner says, and then what the file does before its first layer.
 * @throws {AppError} MODEL_FILE_INVALID, VALIDATION_FAILED
 */
export function toPreprocessing(
  steps: readonly Affine[],
  { preprocessing = {} }: ImportOptions,
  { shape, dtype }: { shape: readonly number[]; dtype: string },
): FittedPreprocessing {
  const { image } = preprocessing
  if (image && (shape.length !== 3 || dtype !== 'uint8')) {
    throw wrong('image', 'only images of bytes can be arranged')
  }
  const features = featureCount(shape)
  const { of, scale, shift } = composeAffine([...givenSteps(preprocessing, features), ...steps], features)
  const isUsable = (numbers: readonly number[]) => numbers.every(number => Number.isFinite(number))
  if (!isUsable(scale) || !isUsable(shift) || scale.includes(0)) {
    throw refuse(`${of || 'the preprocessing'} must multiply by finite numbers other than 0`)
  }
  const rest = image && { image: { ...PLAIN_IMAGES, ...image } }
  const [factor = 1, offset = 0] = [scale[0], shift[0]]
  if (scale.length === 1) return { scale: factor, ...(offset !== 0 && { offset }), ...rest }
  return {
    centers: scale.map((own, index) => zero(-(shift[index] ?? 0) / own)),
    spreads: scale.map(own => 1 / own),
    ...rest,
  }
}

function givenSteps(
  { scale, offset, centers, spreads }: NonNullable<ImportOptions['preprocessing']>,
  features: number,
): Affine[] {
  if (centers === undefined && spreads === undefined) {
    return [{ kind: 'affine', of: 'preprocessing', scale: [scale ?? 1], shift: [offset ?? 0] }]
  }
  if (scale !== undefined || offset !== undefined)
    throw wrong('scale', 'must not be given with centers and spreads')
  for (const [name, numbers] of [
    ['centers', centers],
    ['spreads', spreads],
  ] as const) {
    if (numbers?.length === features && !(name === 'spreads' && numbers.includes(0))) continue
    throw wrong(
      name,
      `must be ${features} numbers${name === 'spreads' ? ' other than 0' : ''}; received ${numbers?.length ?? 'none'}`,
    )
  }
  const divisors = spreads ?? []
  return [
    {
      kind: 'affine',
      of: 'preprocessing',
      scale: divisors.map(spread => 1 / spread),
      shift: divisors.map((spread, index) => -(centers?.[index] ?? 0) / spread),
    },
  ]
}

function wrong(name: string, detail: string) {
  return fieldError('VALIDATION_FAILED', `/options/preprocessing/${name}`, detail)
}

/** −0 is 0. */
function zero(number: number): number {
  return number === 0 ? 0 : number
}
