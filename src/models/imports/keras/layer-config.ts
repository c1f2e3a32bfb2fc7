import { type Fields, isFields, quote } from '../parse-json.ts'
import { refuse } from '../refuse.ts'
import type { KerasLayer } from './layer-chain.ts'

/** Fields that say nothing about what a layer computes in a prediction. */
const WITHOUT_EFFECT =
  /^(name|batch_input_shape|batch_shape|input_dim|seed|synchronized|renorm_momentum|.*_(initializer|regularizer|constraint))$/

/** The options of a layer. What was not asked for must be null, or without effect: nothing is passed over. */
export class LayerConfig {
  readonly className: string
  readonly name: string
  readonly #config: Fields
  readonly #read = new Set(['trainable', 'dtype'])

  constructor({ className, name, config }: KerasLayer) {
    this.className = className
    this.name = name
    this.#config = config
    this.#checkPrecision()
  }

  /** Whether the layer is frozen. */
  get isFrozen(): boolean {
    return this.#config.trainable === false
  }

  /** What the layer is called in messages. */
  toString(): string {
    return `${this.className} ${quote(this.name)}`
  }

  field(key: string): unknown {
    this.#read.add(key)
    return this.#config[key] ?? null
  }

  number(key: string, otherwise: number): number {
    const value = this.field(key) ?? otherwise
    if (typeof value === 'number' && Number.isFinite(value)) return value
    throw this.wrong(key, 'a finite number', value)
  }

  flag(key: string, otherwise: boolean): boolean {
    const value = this.field(key) ?? otherwise
    if (typeof value === 'boolean') return value
    throw this.wrong(key, 'true or false', value)
  }

  /** Requires one value, which stands for an absent field too. */
  only(key: string, ...allowed: readonly unknown[]): void {
    const value = this.field(key)
    if (value === null || allowed.some(one => JSON.stringify(one) === JSON.stringify(value))) return
    throw this.wrong(key, allowed.map(quote).join(' or '), value)
  }

  /** @throws {AppError} MODEL_FILE_INVALID when there are options that nobody asked for */
  end(): void {
    for (const [key, value] of Object.entries(this.#config)) {
      if (this.#read.has(key) || WITHOUT_EFFECT.test(key) || value === null) continue
      throw refuse(`${this}: the option ${quote(key)} is not taken; received ${quote(value)}`)
    }
  }

  wrong(key: string, required: string, received: unknown) {
    return refuse(`${this}: ${key} must be ${required}; received ${quote(received)}`)
  }

  #checkPrecision(): void {
    const { dtype = null } = this.#config
    const policy = isFields(dtype) && isFields(dtype.config) ? dtype.config.name : dtype
    const isInput = this.className === 'InputLayer'
    if (policy === null || policy === 'float32' || isInput) return
    throw this.wrong('dtype', '"float32"', policy)
  }
}
