"""Makes the models of Keras that test/unit/models/imports reads, and what Keras predicts with them. Run by hand, in the
environment of ../make_reference.py (`npm run bench` keeps one too); tests need no Python.

    python test/reference/imports/make_imports.py

Numbers come from a seed; files are a few kilobytes each.
"""

import json
import os
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import keras
import numpy as np
from keras import layers

HERE = Path(__file__).parent
EXAMPLES = 5


def stir(model, rng):
    """Weights and moving means as after a training: none is 0 or 1."""
    for variable in model.weights:
        if variable.dtype == "float32":
            numbers = rng.normal(size=variable.shape, scale=0.5)
            variable.assign(np.abs(numbers) + 0.1 if "variance" in variable.name else numbers)


def sequential(rng):
    return keras.Sequential(
        [
            keras.Input((4, 3, 1)),
            layers.Rescaling(1 / 255.0, offset=-0.25),
            layers.Flatten(),
            layers.Dense(6, activation="relu", kernel_regularizer="l2"),
            layers.BatchNormalization(momentum=0.9),
            layers.Dropout(0.2),
            layers.LayerNormalization(epsilon=1e-4),
            layers.Dense(5, use_bias=False),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Dense(4, activation="silu", trainable=False),
            layers.Dense(3),
            layers.Softmax(),
        ]
    )


def functional(rng):
    inputs = keras.Input((4,), name="measurements")
    normalization = layers.Normalization()
    normalization.adapt(rng.normal(size=(50, 4), loc=3, scale=[1, 2, 5, 0.1]).astype("float32"))
    x = layers.Dense(5, activation="gelu")(normalization(inputs))
    x = layers.BatchNormalization(center=False, scale=False)(x)
    x = layers.ELU()(x)
    return keras.Model(inputs, layers.Dense(1, activation="sigmoid", name="answer")(x))


def activations(rng):
    names = "linear relu leaky_relu elu selu gelu silu softplus sigmoid tanh".split()
    return keras.Sequential([keras.Input((6,)), *(layers.Dense(6, activation=name) for name in names)])


def per_channel(rng):
    mean, variance = [100.0, 120.0, 90.0], [2500.0, 3600.0, 1600.0]
    steps = [layers.Normalization(axis=-1, mean=mean, variance=variance), layers.Flatten()]
    return keras.Sequential([keras.Input((2, 2, 3)), *steps, layers.Dense(2, activation="softmax")])


def refused():
    """Models that must not be taken, by the name that the refusal must have."""
    one = keras.Input((4,))
    two = layers.Dense(3)(one)
    return {
        "Lambda": keras.Sequential([keras.Input((4,)), layers.Lambda(lambda x: x + 1), layers.Dense(2)]),
        "Conv1D": keras.Sequential([keras.Input((4, 1)), layers.Conv1D(2, 2), layers.Flatten(), layers.Dense(2)]),
        "branch": keras.Model(one, layers.Add()([two, two])),
        "mixed_float16": keras.Sequential([keras.Input((4,)), layers.Dense(2, dtype="mixed_float16")]),
        "last axis": keras.Sequential([keras.Input((4, 3)), layers.Dense(2, activation="softmax")]),
        "slope": keras.Sequential([keras.Input((4,)), layers.Dense(2), layers.LeakyReLU()]),
    }


def main():
    rng = np.random.default_rng(7)
    predictions = {}
    for build in (sequential, functional, activations, per_channel):
        name = build.__name__
        model = build(rng)
        kept = [layer.get_weights() for layer in model.layers if isinstance(layer, layers.Normalization)]
        stir(model, rng)
        for layer, weights in zip((one for one in model.layers if isinstance(one, layers.Normalization)), kept):
            layer.set_weights(weights)
        model.save(HERE / f"{name}.keras")
        shape = (EXAMPLES, *model.input_shape[1:])
        inputs = rng.integers(0, 256, size=shape) if len(shape) > 2 else rng.normal(size=shape, loc=3, scale=2)
        inputs = inputs.astype("float32")
        outputs = model.predict(inputs, verbose=0)
        predictions[name] = {"inputs": inputs.reshape(EXAMPLES, -1).tolist(), "outputs": outputs.tolist()}
    for name, model in refused().items():
        model.save(HERE / f"refused {name}.keras")
    (HERE / "predictions.json").write_text(json.dumps({"keras": keras.__version__, **predictions}))


if __name__ == "__main__":
    main()
