import type { OnnxNode } from '../../onnx/messages.ts'
import { Attributes } from './attributes.ts'

/** A function of one number. */
type Scalar = 'Erf' | 'Sigmoid' | { scale: number; shift: number }

/** One of two ways from a value to the operator in which they meet again. */
export interface Branch {
  functions: Scalar[]
  nodes: OnnxNode[]
  /** The value that the way ends with. */
  end: string
  meets: OnnxNode
}

/** What two ways are together, where that is something we have. */
export interface Join {
  /** `doubleGelu`: its half stands behind it. */
  kind: 'silu' | 'gelu' | 'doubleGelu' | 'complement'
  node: OnnxNode
  /** Those on the ways. */
  nodes: OnnxNode[]
}

/**
 * Knows what exporters write out: z · σ(z), 0.5 · z · (1 + erf(z / √2)) in any order of its factors, and [1 − y, y].
 * @returns null when it is something else
 */
export function nameJoin(value: string, first: Branch, second: Branch): Join | null {
  const node = first.meets
  const join = { node, nodes: [...first.nodes, ...second.nodes] }
  const ends = [first.end, second.end]
  if (node.input.length !== 2 || !node.input.every(name => ends.includes(name)) || first.end === second.end)
    return null
  if (node.opType === 'Concat') {
    const [other = first, direct] = first.end === value ? [second, first] : [first, second]
    const { scale, shift } = compose(other.functions) ?? {}
    if (direct?.end !== value || node.input[1] !== value || scale !== -1 || shift !== 1) return null
    const attributes = new Attributes(node)
    attributes.only('axis', attributes.int('axis', 0), 1, -1)
    return { kind: 'complement', ...join }
  }
  if (node.opType !== 'Mul') return null
  const isBent = ({ functions }: Branch) => functions.some(one => typeof one === 'string')
  const [gate, factor] = isBent(first) ? [first, second] : [second, first]
  const kind = nameGate(gate, factor)
  return kind && { kind, ...join }
}

/** @see Hendrycks & Gimpel (2016), "Gaussian error linear units", section 2 */
function nameGate(gate: Branch, factor: Branch): 'silu' | 'gelu' | 'doubleGelu' | null {
  const linear = compose(factor.functions)
  if (linear?.shift !== 0) return null
  const place = gate.functions.findIndex(one => typeof one === 'string')
  const [before, bend, behind] = [
    gate.functions.slice(0, place),
    gate.functions[place],
    gate.functions.slice(place + 1),
  ]
  const [inner, outer] = [compose(before), compose(behind)]
  if (!inner || !outer || inner.shift !== 0) return null
  if (bend === 'Sigmoid') {
    return inner.scale === 1 && outer.scale === 1 && outer.shift === 0 && linear.scale === 1 ? 'silu' : null
  }
  const [scale, shift] = [outer.scale * linear.scale, outer.shift * linear.scale]
  if (bend !== 'Erf' || Math.abs(inner.scale - Math.SQRT1_2) > 1e-6 || scale !== shift) return null
  if (scale === 0.5) return 'gelu'
  return scale === 1 ? 'doubleGelu' : null
}

/** @returns null unless all are x · scale + shift */
function compose(functions: readonly Scalar[]): { scale: number; shift: number } | null {
  let [scale, shift] = [1, 0]
  for (const one of functions) {
    if (typeof one === 'string') return null
    scale *= one.scale
    shift = shift * one.scale + one.shift
  }
  return { scale, shift }
}
