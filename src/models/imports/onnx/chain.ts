import type { ActivationName } from '../../../mlp/activations/registry.ts'
import type { Dense } from '../../../mlp/layers/dense.ts'
import type { Layer } from '../../../mlp/layers/registry.ts'
import { PARAMETERS_MAX } from '../../../mlp/network.ts'
import { sizeOf } from '../../exports/exported-model.ts'
import type { Step } from '../model-file.ts'
import { refuse } from '../refuse.ts'
import type { Constant } from './constants.ts'

/** The steps of a graph of ONNX, put together operator by operator: what belongs to one layer becomes one. */
export class Chain {
  readonly #steps: Step[] = []
  /** Of an example. */
  #shape: readonly number[]
  #parameters = 0
  /** The dense layer that stands last, while a bias and an activation may still come. */
  #open: { of: string; layer: Dense; weights: Map<string, Float32Array> } | null = null

  constructor(shape: readonly number[]) {
    this.#shape = shape
  }

  /** Units of what the last operator gives; it must have one axis. */
  unitsFor(of: string): number {
    const [units = 0] = this.#shape
    if (this.#shape.length === 1) return units
    throw refuse(`${of} must stand behind a Flatten: its input is ${this.#shape.join(' × ')}`)
  }

  get shape(): readonly number[] {
    return this.#shape
  }

  flatten(of: string): void {
    this.#close()
    this.#steps.push({ kind: 'flatten', of })
    this.#shape = [sizeOf(this.#shape)]
  }

  /** y = x · scale + shift, with numbers that are repeated as ONNX does. */
  affine(of: string, scale: Constant | number, shift: Constant | number): void {
    if (this.#takeBias(scale, shift)) return
    this.#close()
    const [own, offset] = [this.#expand(of, scale), this.#expand(of, shift)]
    this.#steps.push({ kind: 'affine', of, scale: own, shift: offset })
  }

  dense(of: string, layer: Dense, weights: Map<string, Float32Array>): void {
    this.#close()
    this.#count(weights)
    this.#open = { of, layer, weights }
    this.#shape = [layer.units]
  }

  activation(of: string, activation: ActivationName): void {
    this.unitsFor(of)
    if (this.#open?.layer.activation === 'linear') {
      this.#open.layer = { ...this.#open.layer, activation }
      this.#close()
    } else this.layer(of, { type: 'activation', activation }, new Map())
  }

  layer(of: string, layer: Exclude<Layer, Dense>, weights: Map<string, Float32Array>): void {
    this.#close()
    this.#count(weights)
    this.#steps.push({ kind: 'layer', of, layer, weights })
  }

  complement(of: string): void {
    this.#close()
    this.#steps.push({ kind: 'complement', of })
  }

  end(): Step[] {
    this.#close()
    return this.#steps
  }

  /** What is added to a product without a bias is its bias. */
  #takeBias(scale: Constant | number, shift: Constant | number): boolean {
    const open = this.#open
    if (!open || open.layer.useBias || open.layer.activation !== 'linear') return false
    if (scale !== 1 || typeof shift === 'number' || !(shift.values instanceof Float32Array)) return false
    if (shift.values.length !== open.layer.units || sizeOf(shift.dims.slice(0, -1)) !== 1) return false
    open.layer = { ...open.layer, useBias: true }
    open.weights.set('bias', shift.values)
    return true
  }

  #close(): void {
    if (this.#open) this.#steps.push({ kind: 'layer', ...this.#open })
    this.#open = null
  }

  #count(weights: ReadonlyMap<string, Float32Array>): void {
    for (const { length } of weights.values()) this.#parameters += length
    if (this.#parameters > PARAMETERS_MAX) {
      throw refuse(`a network may have ${PARAMETERS_MAX} parameters; this one has more`)
    }
  }

  /** One number, or one for each feature. @see onnx/docs/Broadcasting.md: shapes are compared from their ends */
  #expand(of: string, constant: Constant | number): readonly number[] {
    if (typeof constant === 'number') return [constant]
    const { dims, values } = constant
    if (values.length === 1) return [values[0] ?? 0]
    const whole = [1, ...this.#shape]
    const own = [...Array(Math.max(0, whole.length - dims.length)).fill(1), ...dims]
    const fits =
      own.length === whole.length && own.every((length, axis) => length === 1 || length === whole[axis])
    if (!fits) throw refuse(`${of}: [${dims.join(', ')}] must be repeated to ${this.#shape.join(' × ')}`)
    return Array.from({ length: sizeOf(this.#shape) }, (_, feature) => {
      let [rest, place, step] = [feature, 0, 1]
      for (let axis = whole.length - 1; axis >= 0; axis--) {
        const length = own[axis] ?? 1
        if (length > 1) place += (rest % length) * step
        step *= length
        rest = Math.floor(rest / (whole[axis] ?? 1))
      }
      return values[place] ?? 0
    })
  }
}
