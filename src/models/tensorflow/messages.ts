import protobuf from 'protobufjs'
import type { TensorflowNode } from './graph.ts'

/**
 * The messages of a SavedModel, as far as a graph of constants needs them.
 * @see tensorflow/core/protobuf/saved_model.proto and meta_graph.proto; tensorflow/core/framework/graph.proto, node_def.proto,
 *   attr_value.proto, tensor.proto, tensor_shape.proto, types.proto and versions.proto
 */
const PROTO = `
  syntax = "proto3";
  package tensorflow;
  message SavedModel {
    int64 saved_model_schema_version = 1;
    repeated MetaGraphDef meta_graphs = 2;
  }
  message MetaGraphDef {
    message MetaInfoDef { repeated string tags = 4; string tensorflow_version = 5; }
    MetaInfoDef meta_info_def = 1;
    GraphDef graph_def = 2;
    map<string, SignatureDef> signature_def = 5;
  }
  message GraphDef { repeated NodeDef node = 1; VersionDef versions = 4; }
  message VersionDef { int32 producer = 1; int32 min_consumer = 2; }
  message NodeDef {
    string name = 1;
    string op = 2;
    repeated string input = 3;
    map<string, AttrValue> attr = 5;
  }
  message AttrValue {
    oneof value {
      bytes s = 2;
      int64 i = 3;
      float f = 4;
      bool b = 5;
      DataType type = 6;
      TensorShapeProto shape = 7;
      TensorProto tensor = 8;
    }
  }
  message TensorProto {
    DataType dtype = 1;
    TensorShapeProto tensor_shape = 2;
    bytes tensor_content = 4;
    repeated bytes string_val = 8;
  }
  message TensorShapeProto {
    message Dim { int64 size = 1; }
    repeated Dim dim = 2;
  }
  message SignatureDef {
    map<string, TensorInfo> inputs = 1;
    map<string, TensorInfo> outputs = 2;
    string method_name = 3;
  }
  message TensorInfo { string name = 1; DataType dtype = 2; TensorShapeProto tensor_shape = 3; }
  enum DataType {
    DT_INVALID = 0;
    DT_FLOAT = 1;
    DT_DOUBLE = 2;
    DT_INT32 = 3;
    DT_UINT8 = 4;
    DT_STRING = 7;
    DT_BOOL = 10;
  }
`

/** What a SavedModel says besides its nodes. */
export interface SavedModelDraft {
  nodes: readonly TensorflowNode[]
  /** The oldest TensorFlow's graph version that has all operators as they are used here. */
  producer: number
  tensorflowVersion: string
  signature: Signature
}

/** Names and types of what goes in and out. */
export interface Signature {
  inputs: Record<string, TensorInfo>
  outputs: Record<string, TensorInfo>
}

interface TensorInfo {
  name: string
  dtype: string
  tensorShape: { dim: { size: number }[] }
}

const SavedModel = protobuf.parse(PROTO).root.lookupType('tensorflow.SavedModel')

/** The bytes of `saved_model.pb`: one graph, tagged `serve`, with the signature `serving_default`. */
export function encodeSavedModel(draft: SavedModelDraft): Uint8Array {
  const { nodes, producer, tensorflowVersion, signature } = draft
  const message = SavedModel.fromObject({
    savedModelSchemaVersion: 1,
    metaGraphs: [
      {
        metaInfoDef: { tags: ['serve'], tensorflowVersion },
        graphDef: { node: nodes, versions: { producer } },
        signatureDef: { serving_default: { ...signature, methodName: 'tensorflow/serving/predict' } },
      },
    ],
  })
  return SavedModel.encode(message).finish()
}
