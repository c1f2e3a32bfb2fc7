"""Makes keras-3.json: what Keras does with every case of cases.json. Run by hand; tests need no Python.

    python3 -m venv /tmp/reference
    /tmp/reference/bin/pip install tensorflow-cpu==2.21.0 keras==3.15.1 torch
    /tmp/reference/bin/python test/reference/make_reference.py
    npx biome check --write test/reference

cases.json has networks and options as requests do; a case takes what it leaves out from `base`, and what that
leaves out too, Keras fills in. Initial weights and examples come from `draw`, which test/helpers/reference.ts
has as well. Training goes 50 times through `train_on_batch` over batches of 8, the last one short.

Three things are not Keras's own:
- Dropout multiplies by the service's masks (src/mlp/philox.ts), so that training is compared and not generators.
- Keras has a warm-up for the cosine only; for other schedules it is put in front, in the same form.
- Keras has no one-cycle schedule; its learning rates are PyTorch's.
"""

import importlib.metadata
import inspect
import json
import math
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import keras
import numpy as np
from keras import ops
from keras.optimizers.schedules import CosineDecay, ExponentialDecay, LearningRateSchedule

HERE = Path(__file__).parent
SUITE = json.loads((HERE / "cases.json").read_text())
BATCH, STEPS = SUITE["batchSize"], SUITE["steps"]

CLASS_NAMES = {"sgd": "SGD", "rmsprop": "RMSprop", "klDivergence": "KLDivergence"}
ARGUMENT_NAMES = {"clipNorm": "clipnorm", "clipValue": "clipvalue", "globalClipNorm": "global_clipnorm"}


def class_name(name):
    return CLASS_NAMES.get(name, name[0].upper() + name[1:])


def argument_name(name):
    return ARGUMENT_NAMES.get(name, re.sub("([A-Z0-9])", r"_\1", name).lower())


def construct(module, request, **changed):
    """The Keras object of a request: a name, or an object with a type and options. What is left out, Keras fills in."""
    request = {"type": request} if isinstance(request, str) else request
    options = {argument_name(name): value for name, value in request.items() if name != "type"}
    return getattr(module, class_name(request["type"]))(**(options | changed))


# Numbers that both sides can make ---------------------------------------------------------------------------


def fnv1a(text):
    value = 0x811C9DC5
    for byte in text.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def draw(name, shape):
    """Multiples of 2^-16 in [-0.5, 0.5) from a linear congruential generator (Numerical Recipes' constants)."""
    state, numbers = fnv1a(name), []
    for _ in range(math.prod(shape)):
        state = (1664525 * state + 1013904223) & 0xFFFFFFFF
        numbers.append((state >> 16) / 65536 - 0.5)
    return np.array(numbers, "float32").reshape(shape)


def initial(name, shape):
    """Factors and variances are around 1, all other weights around 0."""
    return draw(name, shape) + (1 if name.endswith(("/gamma", "/moving_variance")) else 0)


def philox_mask(rate, stream, step, units):
    """See src/mlp/philox.ts."""
    seed = SUITE["seed"]
    keys = [np.uint64(fnv1a(f"{seed}/{stream}")), np.uint64(fnv1a(f"{stream}/{seed}"))]
    blocks = math.ceil(units / 4)
    low32, shift = np.uint64(0xFFFFFFFF), np.uint64(32)
    counter = [np.arange(BATCH * blocks, dtype="uint64"), *(np.full(BATCH * blocks, n, "uint64") for n in (0, step, 0))]
    for _ in range(10):
        first = np.uint64(0xD2511F53) * counter[0]
        second = np.uint64(0xCD9E8D57) * counter[2]
        counter = [
            (second >> shift) ^ counter[1] ^ keys[0],
            second & low32,
            (first >> shift) ^ counter[3] ^ keys[1],
            first & low32,
        ]
        keys = [(keys[0] + np.uint64(0x9E3779B9)) & low32, (keys[1] + np.uint64(0xBB67AE85)) & low32]
    uniform = (np.stack(counter, axis=1) & np.uint64(0x7FFFFF)) / 0x800000
    return np.where(uniform < rate, 0, 1 / (1 - rate)).reshape(BATCH, blocks * 4)[:, :units]


# Networks and schedules -------------------------------------------------------------------------------------


class MaskedDropout(keras.layers.Layer):
    """Dropout with a mask that is set from outside before each step."""

    def __init__(self, rate, name):
        super().__init__(name=name)
        self.rate = rate

    def build(self, shape):
        self.mask = self.add_weight(name="mask", shape=(BATCH, shape[-1]), initializer="ones", trainable=False)

    def set_mask(self, step):
        self.mask.assign(philox_mask(self.rate, f"dropout/{self.name}", step, self.mask.shape[1]))

    def call(self, x, training=False):
        return x * self.mask[: ops.shape(x)[0]] if training else x


def build_layer(request, name):
    changed = {"name": name}
    if "activation" in request:
        changed["activation"] = argument_name(request["activation"])
    for field in ("kernelRegularizer", "biasRegularizer"):
        if field in request:
            penalty = {"l1": 0.0, "l2": 0.0} | request[field]
            changed[argument_name(field)] = keras.regularizers.L1L2(**penalty)
    if request["type"] == "dropout":
        return MaskedDropout(request["rate"], name)
    return construct(keras.layers, request, **changed)


class Warmup(LearningRateSchedule):
    def __init__(self, steps, base, then):
        self.steps, self.base, self.then = steps, base, then

    def __call__(self, step):
        step = ops.cast(step, "float32")
        after = self.then(step - self.steps) if callable(self.then) else self.then
        return ops.where(step < self.steps, self.base * step / self.steps, after)


class Table(LearningRateSchedule):
    def __init__(self, rates):
        self.rates = np.array(rates, "float32")

    def __call__(self, step):
        return ops.take(self.rates, ops.cast(step, "int32"))


ONE_CYCLE = """
import json, sys, torch
options = json.load(sys.stdin)
optimizer = torch.optim.SGD([torch.zeros(1)], lr=options["max_lr"])
cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, cycle_momentum=False, **options)
rates = cycle.get_last_lr()
for _ in range(options["total_steps"] - 1):
    optimizer.step()
    cycle.step()
    rates += cycle.get_last_lr()
print(json.dumps(rates))
"""


def one_cycle(schedule, base):
    """In a process of its own: PyTorch and TensorFlow bring LLVMs that do not go together."""
    names = {"warmupFraction": "pct_start", "initialDivisor": "div_factor", "finalDivisor": "final_div_factor"}
    options = {names[name]: value for name, value in schedule.items() if name != "type"}
    request = json.dumps({"max_lr": base, "total_steps": STEPS, **options})
    command = [sys.executable, "-c", ONE_CYCLE]
    answer = subprocess.run(command, input=request, stdout=subprocess.PIPE, text=True, check=True)
    return Table(json.loads(answer.stdout))


def build_schedule(schedule, base):
    kind, warmup = schedule["type"], schedule.get("warmupSteps", 0)
    if kind == "oneCycle":
        return one_cycle(schedule, base)
    if kind == "cosine":
        decay_steps = schedule.get("decaySteps", STEPS - warmup)
        options = {name: schedule[name] for name in ("alpha",) if name in schedule}
        if warmup == 0:
            return CosineDecay(base, decay_steps, **options)
        return CosineDecay(0.0, decay_steps, warmup_target=base, warmup_steps=warmup, **options)
    if kind == "constant":
        then = base
    elif kind == "step":
        then = ExponentialDecay(base, schedule["everySteps"], schedule["factor"], staircase=True)
    else:
        staircase = {"staircase": schedule["staircase"]} if "staircase" in schedule else {}
        then = ExponentialDecay(base, schedule["decaySteps"], schedule["decayRate"], **staircase)
    return Warmup(warmup, base, then) if warmup > 0 else then


def build_optimizer(request, schedule):
    default = defaults_of(getattr(keras.optimizers, class_name(request["type"])))["learningRate"]
    rate = build_schedule(schedule, request.get("learningRate", default))
    return construct(keras.optimizers, request, learning_rate=rate)


# Training ---------------------------------------------------------------------------------------------------


def targets_of(loss, labels, units):
    if "sparse" in str(loss):
        return labels
    return labels[:, None].astype("float32") if units == 1 else np.eye(units, dtype="float32")[labels]


def run(case):
    case = SUITE["base"] | case
    layers = [build_layer(layer, f"{layer['type']}_{index}") for index, layer in enumerate(case["layers"], 1)]
    model = keras.Sequential([keras.Input((SUITE["features"],)), *layers])
    variables = {
        f"{layer.name}/{variable.name}": variable
        for layer in layers
        if not isinstance(layer, MaskedDropout)
        for variable in layer.weights
    }
    for name, variable in variables.items():
        variable.assign(initial(name, variable.shape))
    optimizer = build_optimizer(case["optimizer"], case["learningRateSchedule"])
    model.compile(optimizer, construct(keras.losses, case["loss"]), jit_compile=False)

    units, count = model.output_shape[-1], SUITE["examples"]
    features = draw("features", (count, SUITE["features"])) * 4
    labels = np.floor((draw("labels", (count,)) + 0.5) * max(2, units)).astype("int32")
    targets = targets_of(case["loss"], labels, units)
    weights = {int(label): weight for label, weight in case.get("classWeight", {}).items()} or None
    losses = []
    for step in range(1, STEPS + 1):
        size = BATCH if step < STEPS else SUITE["lastBatchSize"]
        rows = (np.arange(size) + (step - 1) * BATCH) % count
        for layer in layers:
            if isinstance(layer, MaskedDropout):
                layer.set_mask(step)
        losses.append(float(model.train_on_batch(features[rows], targets[rows], class_weight=weights)))
    return {
        "losses": rounded(losses),
        "evaluation": round_off(float(model.test_on_batch(features, targets)), 9),
        "weights": {name: rounded(variable.numpy().ravel()) for name, variable in variables.items()},
    }


def round_off(number, digits):
    return float(f"{float(number):.{digits}g}")


def rounded(numbers):
    """Nine digits say a float32 exactly."""
    return [round_off(number, 9) for number in numbers]


# Defaults ---------------------------------------------------------------------------------------------------

LAYERS = "dense batchNormalization layerNormalization".split()
OPTIMIZERS = "sgd adam adamW nadam rmsprop adagrad lion".split()
LOSSES = (
    "categoricalCrossentropy sparseCategoricalCrossentropy binaryCrossentropy categoricalFocalCrossentropy "
    "binaryFocalCrossentropy meanSquaredError meanAbsoluteError huber klDivergence hinge"
).split()
INITIALIZERS = (
    "glorotUniform glorotNormal heUniform heNormal lecunUniform lecunNormal orthogonal zeros ones"
).split()
OPTIONS = (
    "activation useBias kernelInitializer biasInitializer momentum epsilon center scale labelSmoothing alpha gamma "
    "applyClassBalancing delta learningRate weightDecay nesterov beta1 beta2 rho initialAccumulatorValue "
    "clipNorm clipValue globalClipNorm"
).split()


def defaults_of(constructor):
    """What a request may leave out, by our names; None: nothing is filled in."""
    parameters = inspect.signature(constructor).parameters
    known = {name: parameters.get(argument_name(name)) for name in OPTIONS}
    values = {name: parameter.default for name, parameter in known.items() if parameter}
    return {name: our_name(value) if isinstance(value, str) else value for name, value in values.items()}


def our_name(name):
    return re.sub("_(.)", lambda match: match[1].upper(), name)


def defaults():
    def each(module, names):
        return {name: defaults_of(getattr(module, class_name(name))) for name in names}

    return {
        "layers": each(keras.layers, LAYERS),
        "losses": each(keras.losses, LOSSES),
        "optimizers": each(keras.optimizers, OPTIMIZERS),
    }


def describe_initializer(name):
    """Deviation from 0 and largest size of a kernel of 300 by 200, and of a bias where Keras allows one."""
    shapes = {"kernel": (300, 200)} | ({} if name == "orthogonal" else {"bias": (10_000,)})
    seed = {} if name in ("zeros", "ones") else {"seed": 1}
    described = {}
    for variable, shape in shapes.items():
        numbers = np.array(getattr(keras.initializers, class_name(name))(**seed)(shape), "float64")
        deviation, largest = np.sqrt(np.mean(numbers**2)), np.max(np.abs(numbers))
        described[variable] = {"deviation": round_off(deviation, 5), "largest": round_off(largest, 5)}
    return described


def main():
    versions = {name: importlib.metadata.version(name) for name in ("keras", "tensorflow-cpu", "torch", "numpy")}
    results = {}
    for case in SUITE["cases"]:
        print(case["name"], flush=True)
        results[case["name"]] = run(case)
        keras.backend.clear_session()
    reference = {
        "versions": {"python": platform.python_version(), **versions},
        "defaults": defaults(),
        "initializers": {name: describe_initializer(name) for name in INITIALIZERS},
        "cases": results,
    }
    (HERE / "keras-3.json").write_text(json.dumps(reference, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
