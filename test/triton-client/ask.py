"""Asks a running service through NVIDIA's own client, as its users do, and prints what the client made of the answers.

    PYTHONPATH=<the packages of requirements.txt> python3 ask.py < question.json > answers.json

The question has `address` (host:port), `key`, `images` (rows of pixels), `files` (the same images as PNG, in base64)
and `rows` of the table; the models are `stripes` and `houses`.
"""

import asyncio
import base64
import json
import sys

import numpy as np
import tritonclient.http as http
import tritonclient.http.aio as aio
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

QUESTION = json.load(sys.stdin)
ADDRESS = QUESTION["address"]
PIXELS = np.array(QUESTION["images"])
FILES = np.array([base64.b64decode(file) for file in QUESTION["files"]], dtype=np.object_)
ROWS = QUESTION["rows"]


class Key(http.InferenceServerClientPlugin):
    def __call__(self, request):
        request.headers["Authorization"] = f"Bearer {QUESTION['key']}"


def tensor(name, array, library=http, **options):
    made = library.InferInput(name, array.shape, np_to_triton_dtype(array.dtype))
    made.set_data_from_numpy(array, **options)
    return made


def image_inputs(**options):
    """The images in every form that the client has for them."""
    forms = {
        "UINT8": PIXELS.astype(np.uint8),
        "UINT8 in the shape of images": PIXELS.astype(np.uint8).reshape(-1, 6, 6, 1),
        "INT16": PIXELS.astype(np.int16),
        "INT64": PIXELS.astype(np.int64),
        "UINT64": PIXELS.astype(np.uint64),
        "FP32": PIXELS.astype(np.float32),
        "FP64": PIXELS.astype(np.float64),
    }
    return {form: [tensor("input", array, **options)] for form, array in forms.items()}


def table_inputs(**options):
    """A tensor for each column; a missing number is NaN, which only binary data can say."""
    dtypes = {"area": np.float64, "age": np.float64, "garden": np.bool_, "city": np.object_, "sold": np.object_}
    column = lambda name, dtype: np.array([[row[name]] for row in ROWS], dtype=dtype)
    return [tensor(name, column(name, dtype), **options) for name, dtype in dtypes.items()]


def read(result, *names):
    """What users have of an answer: NumPy arrays."""
    arrays = {name: result.as_numpy(name) for name in names}
    return {
        name: {"dtype": str(array.dtype), "shape": array.shape, "values": [plain(one) for one in array.flat]}
        for name, array in arrays.items()
    } | {"id": result.get_response().get("id"), "version": result.get_response()["model_version"]}


def plain(value):
    return value.decode() if isinstance(value, bytes) else value if isinstance(value, str) else value.item()


def refusal(ask):
    try:
        ask()
    except InferenceServerException as error:
        return {"status": error.status(), "message": error.message()}
    return None


def ask_server(client):
    return {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "server": client.get_server_metadata(),
        "readyModels": [client.is_model_ready("stripes"), client.is_model_ready("stripes", "1")],
        "noReadyModels": [client.is_model_ready("nothing"), client.is_model_ready("stripes", "7")],
        "stripes": client.get_model_metadata("stripes"),
        "stripes 1": client.get_model_metadata("stripes", "1"),
        "houses": client.get_model_metadata("houses"),
    }


def ask_images(client):
    names = ["probabilities", "label"]
    as_json = [http.InferRequestedOutput(name, binary_data=False) for name in names]
    infer = lambda inputs, **options: read(client.infer("stripes", inputs, **options), *names)
    uint8 = lambda: image_inputs()["UINT8"]
    return {
        "binary": {form: infer(inputs) for form, inputs in image_inputs().items()},
        "JSON": {
            form: infer(inputs, outputs=as_json) for form, inputs in image_inputs(binary_data=False).items()
        },
        "PNG": infer([tensor("input", FILES)]),
        "PNG of one column": infer([tensor("input", FILES.reshape(-1, 1))], outputs=as_json),
        "gzip": infer(uint8(), request_compression_algorithm="gzip"),
        "deflate": infer(uint8(), request_compression_algorithm="deflate"),
        "gzip back": infer(uint8(), response_compression_algorithm="gzip"),
        "version 1": infer(uint8(), model_version="1", request_id="question 7"),
        "with parameters": infer(uint8(), priority=1, timeout=60_000_000, parameters={"who": "a test"}),
        "in the background": read(client.async_infer("stripes", uint8()).get_result(), *names),
    }


def ask_classes(client):
    def infer(classes, binary_data):
        output = http.InferRequestedOutput("probabilities", class_count=classes, binary_data=binary_data)
        result = client.infer("stripes", image_inputs()["FP32"], outputs=[output])
        return read(result, "probabilities")["probabilities"]

    return {"binary": infer(2, True), "JSON": infer(2, False), "all": infer(100, True)}


def ask_table(client):
    infer = lambda inputs, **options: read(client.infer("houses", inputs, **options), "values")
    known = [row for row in ROWS if row["age"] is not None]
    assert len(known) < len(ROWS)
    binary = infer(table_inputs())
    ROWS[:] = known
    output = [http.InferRequestedOutput("values", binary_data=False)]
    return {"binary": binary, "JSON": infer(table_inputs(binary_data=False), outputs=output)}


def ask_repository(client):
    def states(step):
        step()
        return {f"{one['name']} {one['version']}": one["state"] for one in client.get_model_repository_index()}

    return {
        "unloaded": states(lambda: client.unload_model("stripes")),
        "loaded": states(lambda: client.load_model("stripes")),
        "unloaded with dependents": states(lambda: client.unload_model("stripes", unload_dependents=True)),
        "used": states(lambda: client.infer("stripes", image_inputs()["UINT8"])),
    }


def ask_refusals(client, stranger):
    right = image_inputs()["FP32"]
    short = [tensor("input", PIXELS[:, :7].astype(np.float32))]
    many = [tensor("input", np.tile(PIXELS.astype(np.float64), (3_000, 1)), binary_data=False)]
    half = [tensor("input", PIXELS.astype(np.float16))]
    shared = http.InferInput("input", PIXELS.shape, "FP32")
    shared.set_shared_memory("region", PIXELS.size * 4)
    broken = [tensor("input", np.array([b"no image"], dtype=np.object_))]
    other = [http.InferRequestedOutput("logits")]
    requests = {
        "no key": lambda: stranger.get_server_metadata(),
        "no key to infer": lambda: stranger.infer("stripes", right),
        "no model": lambda: client.infer("nothing", right),
        "no version": lambda: client.infer("stripes", right, model_version="7"),
        "metadata of no model": lambda: client.get_model_metadata("nothing"),
        "load of no model": lambda: client.load_model("nothing"),
        "load with files": lambda: client.load_model("stripes", config="{}", files={"file:1/a": b"a"}),
        "unload of no model": lambda: client.unload_model("nothing"),
        "a shape of another model": lambda: client.infer("stripes", short),
        "no images": lambda: client.infer("stripes", [tensor("input", PIXELS[:0].astype(np.float32))]),
        "another datatype": lambda: client.infer("stripes", half),
        "another name": lambda: client.infer("stripes", [tensor("x", PIXELS.astype(np.float32))]),
        "another output": lambda: client.infer("stripes", right, outputs=other),
        "no image": lambda: client.infer("stripes", broken),
        "shared memory": lambda: client.infer("stripes", [shared]),
        "a missing column": lambda: client.infer("houses", table_inputs()[1:]),
        "time without a limit": lambda: client.infer("stripes", many, timeout=0),
        "no time": lambda: client.infer("stripes", many, timeout=1_000),
        "the configuration": lambda: client.get_model_config("stripes"),
        "statistics": lambda: client.get_inference_statistics("stripes"),
        "regions of shared memory": lambda: client.get_system_shared_memory_status(),
    }
    return {name: refusal(ask) for name, ask in requests.items()}


async def ask_asynchronously():
    async with aio.InferenceServerClient(ADDRESS) as client:
        client.register_plugin(Key())
        image = tensor("input", PIXELS.astype(np.uint8), aio)
        results = await asyncio.gather(*(client.infer("stripes", [image]) for _ in range(8)))
        answers = [read(result, "probabilities", "label") for result in results]
        return {"ready": await client.is_server_ready(), "answers": answers}


if __name__ == "__main__":
    with http.InferenceServerClient(ADDRESS) as client, http.InferenceServerClient(ADDRESS) as stranger:
        client.register_plugin(Key())
        answers = {
            "server": ask_server(client),
            "images": ask_images(client),
            "classes": ask_classes(client),
            "refusals": ask_refusals(client, stranger),
            "repository": ask_repository(client),
            "table": ask_table(client),
            "asynchronous": asyncio.run(ask_asynchronously()),
        }
    json.dump(answers, sys.stdout)
