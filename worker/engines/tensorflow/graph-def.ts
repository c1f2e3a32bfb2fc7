/** TensorFlow's element types, by the names that its text format uses. */
export type DataType = 'DT_FLOAT' | 'DT_INT32' | 'DT_UINT8' | 'DT_UINT64' | 'DT_BOOL' | 'DT_STRING'

/** An attribute of a node, as text protobuf. */
export type Attribute = string

/** Attributes, by what they hold. @see tensorflow/core/framework/attr_value.proto */
export const attr = {
  type: (type: DataType): Attribute => `type: ${type}`,
  bool: (value: boolean): Attribute => `b: ${value}`,
  int: (value: number): Attribute => `i: ${value}`,
  string: (value: string): Attribute => `s: "${value}"`,
  shape: (shape: readonly number[]): Attribute => `shape { ${shapeOf(shape)} }`,
}

function shapeOf(shape: readonly number[]): string {
  return shape.map(size => `dim { size: ${size} }`).join(' ')
}

/**
 * A graph on its way to TensorFlow: nodes as text protobuf. An edge is the name of a node, with `:1` for its second
 * output, or `^name` to run after it.
 * @see tensorflow/core/framework/graph.proto
 */
export class GraphDef {
  readonly #nodes: string[] = []

  /** Adds a node and gives its name: the given one, or one of its own. */
  node(
    op: string,
    inputs: readonly string[],
    attributes: Record<string, Attribute> = {},
    name?: string,
  ): string {
    const own = name ?? `${op}_${this.#nodes.length}`
    const edges = inputs.map(input => `input: "${input}"`).join(' ')
    const attrs = Object.entries(attributes).map(
      ([key, value]) => `attr { key: "${key}" value { ${value} } }`,
    )
    this.#nodes.push(`node { name: "${own}" op: "${op}" ${edges} ${attrs.join(' ')} }`)
    return own
  }

  placeholder(name: string, type: DataType, shape: readonly number[]): string {
    return this.node('Placeholder', [], { dtype: attr.type(type), shape: attr.shape(shape) }, name)
  }

  float(value: number): string {
    const tensor = `tensor { dtype: DT_FLOAT tensor_shape { } float_val: ${value} }`
    return this.node('Const', [], { dtype: attr.type('DT_FLOAT'), value: tensor })
  }

  int(value: number): string {
    const tensor = `tensor { dtype: DT_INT32 tensor_shape { } int_val: ${value} }`
    return this.node('Const', [], { dtype: attr.type('DT_INT32'), value: tensor })
  }

  ints(values: readonly number[]): string {
    const list = values.map(value => `int_val: ${value}`).join(' ')
    const tensor = `tensor { dtype: DT_INT32 tensor_shape { dim { size: ${values.length} } } ${list} }`
    return this.node('Const', [], { dtype: attr.type('DT_INT32'), value: tensor })
  }

  /** Whole numbers below 2⁶⁴. */
  uint64s(values: readonly bigint[]): string {
    const list = values.map(value => `uint64_val: ${value}`).join(' ')
    const tensor = `tensor { dtype: DT_UINT64 tensor_shape { dim { size: ${values.length} } } ${list} }`
    return this.node('Const', [], { dtype: attr.type('DT_UINT64'), value: tensor })
  }

  floats(values: readonly number[]): string {
    const list = values.map(value => `float_val: ${value}`).join(' ')
    const tensor = `tensor { dtype: DT_FLOAT tensor_shape { dim { size: ${values.length} } } ${list} }`
    return this.node('Const', [], { dtype: attr.type('DT_FLOAT'), value: tensor })
  }

  /** Scalars as one vector. */
  pack(scalars: readonly string[], type: DataType): string {
    return this.node('Pack', scalars, { N: attr.int(scalars.length), T: attr.type(type), axis: attr.int(0) })
  }

  /** A variable of the session: the handle that the resource operations take. */
  variable(name: string, type: DataType, shape: readonly number[]): string {
    const attributes = { dtype: attr.type(type), shape: attr.shape(shape), shared_name: attr.string(name) }
    return this.node('VarHandleOp', [], { ...attributes, container: attr.string('') }, name)
  }

  read(handle: string, type: DataType, after: readonly string[] = []): string {
    return this.node('ReadVariableOp', [handle, ...after.map(control)], { dtype: attr.type(type) })
  }

  assign(handle: string, value: string, type: DataType): string {
    return this.node('AssignVariableOp', [handle, value], { dtype: attr.type(type) })
  }

  cast(x: string, from: DataType, to: DataType): string {
    return this.node('Cast', [x], { SrcT: attr.type(from), DstT: attr.type(to) })
  }

  reshape(x: string, type: DataType, shape: readonly number[]): string {
    return this.node('Reshape', [x, this.ints(shape)], { T: attr.type(type), Tshape: attr.type('DT_INT32') })
  }

  slice(x: string, type: DataType, begin: string, size: string): string {
    return this.node('Slice', [x, begin, size], { T: attr.type(type), Index: attr.type('DT_INT32') })
  }

  /** Rows of several values after each other. */
  concat(values: readonly string[], name: string): string {
    const [only] = values
    if (values.length === 1 && only !== undefined) return this.identity(only, [], name)
    const attributes = { N: attr.int(values.length), T: attr.type('DT_FLOAT'), Tidx: attr.type('DT_INT32') }
    return this.node('ConcatV2', [...values, this.int(0)], attributes, name)
  }

  /** The value under a name that can be fetched, after other nodes have run. */
  identity(x: string, after: readonly string[], name: string): string {
    return this.node('Identity', [x, ...after.map(control)], { T: attr.type('DT_FLOAT') }, name)
  }

  /** Bytes that were fed as a string, as numbers of a type and shape. */
  decode(name: string, type: DataType, shape: readonly number[]): string {
    const bytes = this.placeholder(name, 'DT_STRING', [])
    const numbers = this.node('DecodeRaw', [bytes], {
      out_type: attr.type(type),
      little_endian: attr.bool(true),
    })
    return this.reshape(numbers, type, shape)
  }

  /**
   * The graph as a SavedModel in text form.
   * @see tensorflow/core/protobuf/saved_model.proto
   */
  toSavedModel(): string {
    const graph = `graph_def { ${this.#nodes.join('\n')} versions { producer: 1800 } }`
    return `saved_model_schema_version: 1\nmeta_graphs { meta_info_def { tags: "serve" } ${graph} }`
  }
}

function control(name: string): string {
  return `^${name}`
}
