"""Asks a running service through NVIDIA's own client over gRPC, as its users do, and prints what the client made of the answers.

    PYTHONPATH=<the packages of requirements.txt> python3 ask_grpc.py < question.json > answers.json

The question has `address` (host:port), `key`, `images` (rows of pixels), `files` (the same images as PNG, in base64)
and `rows` of the table; the models are `stripes` and `houses`.
"""

import base64
import json
import sys

import numpy as np
import tritonclient.grpc as grpc
from tritonclient.grpc import service_pb2, service_pb2_grpc
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

QUESTION = json.load(sys.stdin)
PIXELS = np.array(QUESTION["images"])
FILES = np.array([base64.b64decode(file) for file in QUESTION["files"]], dtype=np.object_)
ROWS = QUESTION["rows"]
KEY = {"authorization": f"Bearer {QUESTION['key']}"}


def tensor(name, array):
    made = grpc.InferInput(name, array.shape, np_to_triton_dtype(array.dtype))
    made.set_data_from_numpy(array)
    return made


def read(result, *names):
    """What users have of an answer: NumPy arrays."""
    arrays = {name: result.as_numpy(name) for name in names}
    answer = result.get_response()
    return {
        name: {"dtype": str(array.dtype), "shape": array.shape, "values": [plain(one) for one in array.flat]}
        for name, array in arrays.items()
    } | {"id": answer.id, "version": answer.model_version}


def plain(value):
    return value.decode() if isinstance(value, bytes) else value if isinstance(value, str) else value.item()


def refusal(ask):
    try:
        ask()
    except InferenceServerException as error:
        return {"status": error.status(), "message": error.message()}
    return None


def ask_server(client):
    metadata = lambda *who: client.get_model_metadata(*who, headers=KEY, as_json=True)
    ready = lambda *who: client.is_model_ready(*who, headers=KEY)
    return {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "server": client.get_server_metadata(headers=KEY, as_json=True),
        "readyModels": [ready("stripes"), ready("stripes", "1"), ready("stripes", "latest")],
        "noReadyModels": [ready("nothing"), ready("stripes", "7"), ready("stripes", "?"), ready("a\0b")],
        "stripes": metadata("stripes"),
        "stripes 1": metadata("stripes", "1"),
        "houses": metadata("houses"),
    }


def infer_images(client, array, **options):
    result = client.infer("stripes", [tensor("input", array)], headers=KEY, **options)
    return read(result, "probabilities", "label")


def ask_images(client):
    dtypes = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64"]
    bytes_of = lambda dtype: PIXELS.astype(np.uint8 if dtype == "int8" else dtype)
    uint8 = PIXELS.astype(np.uint8)
    return {dtype: infer_images(client, bytes_of(dtype)) for dtype in dtypes} | {
        "in the shape of images": infer_images(client, uint8.reshape(-1, 6, 6, 1)),
        "PNG": infer_images(client, FILES),
        "gzip": infer_images(client, uint8, compression_algorithm="gzip"),
        "deflate": infer_images(client, uint8, compression_algorithm="deflate"),
        "version 1": infer_images(client, uint8, model_version="1", request_id="question 7"),
        "with parameters": infer_images(client, uint8, priority=1, timeout=60_000_000, parameters={"who": "a test"}),
        "in time": infer_images(client, uint8, client_timeout=60),
    }


def ask_lists():
    """Values in the lists of their datatypes, as clients send them that write the message themselves."""
    import grpc as grpcio

    forms = {
        "UINT8": ("uint_contents", PIXELS.flatten().tolist()),
        "INT32": ("int_contents", PIXELS.flatten().tolist()),
        "INT64": ("int64_contents", PIXELS.flatten().tolist()),
        "UINT64": ("uint64_contents", PIXELS.flatten().tolist()),
        "FP32": ("fp32_contents", PIXELS.flatten().tolist()),
        "FP64": ("fp64_contents", PIXELS.flatten().tolist()),
    }
    answers = {}
    with grpcio.insecure_channel(QUESTION["address"]) as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        for datatype, (field, values) in forms.items():
            message = service_pb2.ModelInferRequest(model_name="stripes")
            one = message.inputs.add(name="input", datatype=datatype, shape=PIXELS.shape)
            getattr(one.contents, field).extend(values)
            answer = stub.ModelInfer(message, metadata=list(KEY.items()))
            assert len(answer.raw_output_contents) == 0
            probabilities, label = answer.outputs
            answers[datatype] = {
                "probabilities": list(probabilities.contents.fp32_contents),
                "label": [text.decode() for text in label.contents.bytes_contents],
                "shapes": [list(probabilities.shape), list(label.shape)],
            }
    return answers


def ask_classes(client):
    output = grpc.InferRequestedOutput("probabilities", class_count=2)
    result = client.infer("stripes", [tensor("input", PIXELS.astype(np.float32))], outputs=[output], headers=KEY)
    return read(result, "probabilities")["probabilities"]


def table_inputs():
    dtypes = {"area": np.float64, "age": np.float64, "garden": np.bool_, "city": np.object_, "sold": np.object_}
    return [tensor(name, np.array([[row[name]] for row in ROWS], dtype=dtype)) for name, dtype in dtypes.items()]


def ask_repository(client):
    def states(step):
        step()
        index = client.get_model_repository_index(headers=KEY)
        return {f"{one.name} {one.version}": one.state for one in index.models}

    return {
        "unloaded": states(lambda: client.unload_model("stripes", headers=KEY)),
        "loaded": states(lambda: client.load_model("stripes", headers=KEY)),
    }


def ask_refusals(client):
    right = [tensor("input", PIXELS.astype(np.float32))]
    many = [tensor("input", np.tile(PIXELS.astype(np.uint8), (3_000, 1)))]
    infer = lambda name="stripes", inputs=right, **options: client.infer(name, inputs, headers=KEY, **options)
    shared = grpc.InferInput("input", PIXELS.shape, "FP32")
    shared.set_shared_memory("region", PIXELS.size * 4)
    asks = {
        "no key": lambda: client.get_server_metadata(),
        "another key": lambda: client.get_server_metadata(headers={"authorization": "Bearer of nothing"}),
        "no key to infer": lambda: client.infer("stripes", right),
        "no model": lambda: infer("nothing"),
        "no version": lambda: infer(model_version="7"),
        "no alias": lambda: infer(model_version="nowhere"),
        "metadata of no model": lambda: client.get_model_metadata("nothing", headers=KEY),
        "load of no model": lambda: client.load_model("nothing", headers=KEY),
        "load with files": lambda: client.load_model("stripes", headers=KEY, config="{}"),
        "a shape of another model": lambda: infer(inputs=[tensor("input", PIXELS[:, :7].astype(np.float32))]),
        "another datatype": lambda: infer(inputs=[tensor("input", PIXELS.astype(np.float16))]),
        "another name": lambda: infer(inputs=[tensor("x", PIXELS.astype(np.float32))]),
        "another output": lambda: infer(outputs=[grpc.InferRequestedOutput("logits")]),
        "no image": lambda: infer(inputs=[tensor("input", np.array([b"no image"], dtype=np.object_))]),
        "shared memory": lambda: infer(inputs=[shared]),
        "a missing column": lambda: infer("houses", table_inputs()[1:]),
        "no time": lambda: infer(inputs=many, timeout=1_000),
        "statistics": lambda: client.get_inference_statistics("stripes", headers=KEY),
    }
    return {name: refusal(ask) for name, ask in asks.items()}


if __name__ == "__main__":
    with grpc.InferenceServerClient(QUESTION["address"]) as client:
        answers = {
            "server": ask_server(client),
            "images": ask_images(client),
            "lists": ask_lists(),
            "classes": ask_classes(client),
            "refusals": ask_refusals(client),
            "repository": ask_repository(client),
            "table": read(client.infer("houses", table_inputs(), headers=KEY), "values"),
        }
    json.dump(answers, sys.stdout)
