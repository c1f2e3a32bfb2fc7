import protobuf from 'protobufjs'

/**
 * The messages of ONNX, as far as a network of dense layers needs them. Fields that are not here are skipped when a
 * file is read.
 * @see https://github.com/onnx/onnx/blob/main/onnx/onnx.proto, whose names and numbers these are
 */
const PROTO = `
  syntax = "proto2";
  package onnx;
  message ModelProto {
    optional int64 ir_version = 1;
    optional string producer_name = 2;
    optional string producer_version = 3;
    optional string domain = 4;
    optional int64 model_version = 5;
    optional string doc_string = 6;
    optional GraphProto graph = 7;
    repeated OperatorSetIdProto opset_import = 8;
    repeated StringStringEntryProto metadata_props = 14;
  }
  message OperatorSetIdProto { optional string domain = 1; optional int64 version = 2; }
  message StringStringEntryProto { optional string key = 1; optional string value = 2; }
  message GraphProto {
    repeated NodeProto node = 1;
    optional string name = 2;
    repeated TensorProto initializer = 5;
    optional string doc_string = 10;
    repeated ValueInfoProto input = 11;
    repeated ValueInfoProto output = 12;
  }
  message NodeProto {
    repeated string input = 1;
    repeated string output = 2;
    optional string name = 3;
    optional string op_type = 4;
    repeated AttributeProto attribute = 5;
    optional string domain = 7;
  }
  message AttributeProto {
    optional string name = 1;
    optional float f = 2;
    optional int64 i = 3;
    optional bytes s = 4;
    optional TensorProto t = 5;
    repeated float floats = 7;
    repeated int64 ints = 8;
    repeated bytes strings = 9;
    optional int32 type = 20;
  }
  message TensorProto {
    repeated int64 dims = 1;
    optional int32 data_type = 2;
    repeated float float_data = 4 [packed = true];
    repeated int32 int32_data = 5 [packed = true];
    repeated bytes string_data = 6;
    repeated int64 int64_data = 7 [packed = true];
    optional string name = 8;
    optional bytes raw_data = 9;
    repeated double double_data = 10 [packed = true];
    repeated StringStringEntryProto external_data = 13;
    optional int32 data_location = 14;
  }
  message ValueInfoProto { optional string name = 1; optional TypeProto type = 2; optional string doc_string = 3; }
  message TypeProto {
    message Tensor { optional int32 elem_type = 1; optional TensorShapeProto shape = 2; }
    optional Tensor tensor_type = 1;
  }
  message TensorShapeProto {
    message Dimension { optional int64 dim_value = 1; optional string dim_param = 2; }
    repeated Dimension dim = 1;
  }
`

/** Element types of tensors. @see onnx.proto, TensorProto.DataType */
export const ELEMENT = { float: 1, uint8: 2, int32: 6, int64: 7, string: 8, bool: 9, double: 11 } as const

/** What an attribute holds. @see onnx.proto, AttributeProto.AttributeType */
export const ATTRIBUTE = { float: 1, int: 2, string: 3, tensor: 4, floats: 6, ints: 7, strings: 8 } as const

/** A model: its graph, and what is said of it. Numbers of 64 bits are JavaScript's. */
export interface OnnxModel {
  irVersion?: number
  producerName?: string
  producerVersion?: string
  domain?: string
  modelVersion?: number
  docString?: string
  graph?: OnnxGraph
  opsetImport: { domain?: string; version?: number }[]
  metadataProps: { key?: string; value?: string }[]
}

/** Nodes in an order in which each comes after those it reads. */
export interface OnnxGraph {
  name?: string
  docString?: string
  node: OnnxNode[]
  initializer: OnnxTensor[]
  input: OnnxValue[]
  output: OnnxValue[]
}

/** One operator; values are named, and an input that is left out is an empty name. */
export interface OnnxNode {
  opType?: string
  domain?: string
  name?: string
  input: string[]
  output: string[]
  attribute: OnnxAttribute[]
}

/** An attribute: `type` says which field counts. */
export interface OnnxAttribute {
  name?: string
  type?: number
  f?: number
  i?: number
  s?: Uint8Array
  t?: OnnxTensor
  floats: number[]
  ints: number[]
  strings: Uint8Array[]
}

/** A tensor: its numbers stand in `rawData`, little-endian, or in the list of its type. */
export interface OnnxTensor {
  name?: string
  dims: number[]
  dataType?: number
  rawData?: Uint8Array
  floatData: number[]
  int32Data: number[]
  int64Data: number[]
  doubleData: number[]
  stringData: Uint8Array[]
  /** Where the numbers stand when they are in another file, which `dataLocation` 1 says. */
  externalData: { key?: string; value?: string }[]
  dataLocation?: number
}

/** An input or output of the graph. */
export interface OnnxValue {
  name?: string
  docString?: string
  type?: {
    tensorType?: { elemType?: number; shape?: { dim: { dimValue?: number; dimParam?: string }[] } }
  }
}

/** A message on its way out: lists that are empty may be left out. */
export type Draft<T> = T extends Uint8Array | string | number | undefined
  ? T
  : T extends readonly (infer Item)[]
    ? readonly Draft<Item>[]
    : Optional<{ [Key in keyof T]: Draft<T[Key]> }>

type Optional<T> = { [Key in keyof T]?: T[Key] }

const ModelProto = protobuf.parse(PROTO).root.lookupType('onnx.ModelProto')

/** The bytes of an ONNX file. */
export function encodeModel(model: Draft<OnnxModel>): Uint8Array {
  return ModelProto.encode(ModelProto.fromObject(model)).finish()
}

/**
 * Reads an ONNX file. Nothing is checked but that it is a message of this form: what it names need not exist, and
 * tensors may be shorter than they say.
 * @throws Error when the bytes are no such message
 */
export function decodeModel(bytes: Uint8Array): OnnxModel {
  return ModelProto.toObject(ModelProto.decode(bytes), { longs: Number, arrays: true }) as OnnxModel
}
