import { readProto } from './codec.ts'

/**
 * The messages of the protocol, and those of its extension for repositories of models.
 * @see https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/open_inference_grpc.proto and
 *   https://github.com/triton-inference-server/common/blob/main/protobuf/grpc_service.proto, whose names and numbers these are
 */
const PROTO = `
  syntax = "proto3";
  package inference;
  message ServerLiveRequest {}
  message ServerLiveResponse { bool live = 1; }
  message ServerReadyRequest {}
  message ServerReadyResponse { bool ready = 1; }
  message ModelReadyRequest { string name = 1; string version = 2; }
  message ModelReadyResponse { bool ready = 1; }
  message ServerMetadataRequest {}
  message ServerMetadataResponse { string name = 1; string version = 2; repeated string extensions = 3; }
  message ModelMetadataRequest { string name = 1; string version = 2; }
  message ModelMetadataResponse {
    message TensorMetadata { string name = 1; string datatype = 2; repeated int64 shape = 3; }
    string name = 1;
    repeated string versions = 2;
    string platform = 3;
    repeated TensorMetadata inputs = 4;
    repeated TensorMetadata outputs = 5;
  }
  message ModelInferRequest {
    message InferInputTensor {
      string name = 1;
      string datatype = 2;
      repeated int64 shape = 3;
      map<string, InferParameter> parameters = 4;
      InferTensorContents contents = 5;
    }
    message InferRequestedOutputTensor { string name = 1; map<string, InferParameter> parameters = 2; }
    string model_name = 1;
    string model_version = 2;
    string id = 3;
    map<string, InferParameter> parameters = 4;
    repeated InferInputTensor inputs = 5;
    repeated InferRequestedOutputTensor outputs = 6;
    repeated bytes raw_input_contents = 7;
  }
  message ModelInferResponse {
    message InferOutputTensor {
      string name = 1;
      string datatype = 2;
      repeated int64 shape = 3;
      map<string, InferParameter> parameters = 4;
      InferTensorContents contents = 5;
    }
    string model_name = 1;
    string model_version = 2;
    string id = 3;
    map<string, InferParameter> parameters = 4;
    repeated InferOutputTensor outputs = 5;
    repeated bytes raw_output_contents = 6;
  }
  message InferParameter {
    oneof parameter_choice {
      bool bool_param = 1;
      int64 int64_param = 2;
      string string_param = 3;
      double double_param = 4;
      uint64 uint64_param = 5;
    }
  }
  message InferTensorContents {
    repeated bool bool_contents = 1;
    repeated int32 int_contents = 2;
    repeated int64 int64_contents = 3;
    repeated uint32 uint_contents = 4;
    repeated uint64 uint64_contents = 5;
    repeated float fp32_contents = 6;
    repeated double fp64_contents = 7;
    repeated bytes bytes_contents = 8;
  }
  message ModelRepositoryParameter {
    oneof parameter_choice { bool bool_param = 1; int64 int64_param = 2; string string_param = 3; bytes bytes_param = 4; }
  }
  message RepositoryIndexRequest { string repository_name = 1; bool ready = 2; }
  message RepositoryIndexResponse {
    message ModelIndex { string name = 1; string version = 2; string state = 3; string reason = 4; }
    repeated ModelIndex models = 1;
  }
  message RepositoryModelLoadRequest {
    string repository_name = 1;
    string model_name = 2;
    map<string, ModelRepositoryParameter> parameters = 3;
  }
  message RepositoryModelLoadResponse {}
  message RepositoryModelUnloadRequest {
    string repository_name = 1;
    string model_name = 2;
    map<string, ModelRepositoryParameter> parameters = 3;
  }
  message RepositoryModelUnloadResponse {}
`

/** Who is asked for. An empty version is the one that a prediction without version takes. */
export interface ModelQuestion {
  name: string
  version: string
}

/** A parameter; numbers of 64 bits are JavaScript's. */
export interface InferParameter {
  boolParam?: boolean
  int64Param?: number
  stringParam?: string
  doubleParam?: number
  uint64Param?: number
}

/** The values of a tensor, in the list of its datatype. */
export interface InferTensorContents {
  boolContents: boolean[]
  intContents: number[]
  int64Contents: number[]
  uintContents: number[]
  uint64Contents: number[]
  fp32Contents: number[]
  fp64Contents: number[]
  bytesContents: Buffer[]
}

/** An input; without contents its values stand in `rawInputContents`. */
export interface InferInputMessage {
  name: string
  datatype: string
  shape: number[]
  parameters: Record<string, InferParameter>
  contents: InferTensorContents | null
}

/** A request to infer. */
export interface InferRequestMessage {
  modelName: string
  modelVersion: string
  id: string
  parameters: Record<string, InferParameter>
  inputs: InferInputMessage[]
  outputs: { name: string; parameters: Record<string, InferParameter> }[]
  rawInputContents: Buffer[]
}

/** An answer to it. */
export interface InferResponseMessage {
  modelName: string
  modelVersion: string
  id?: string
  outputs: {
    name: string
    datatype: string
    shape: readonly number[]
    contents?: { fp32Contents: readonly number[] } | { bytesContents: readonly Buffer[] }
  }[]
  rawOutputContents?: Buffer[]
}

/** A request to load or unload a model. */
export interface RepositoryRequestMessage {
  modelName: string
  parameters: Record<string, unknown>
}

/** Reads and writes the messages, each named `inference.` and its own name. */
export const codecOf = readProto(PROTO)
