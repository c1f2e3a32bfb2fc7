"""Runs a downloaded model on images.bin of its folder, and writes answers.bin: python peers.py FORMAT FOLDER."""

import json
import pathlib
import sys

import numpy as np


def run_keras(folder, images):
    import keras

    return keras.saving.load_model(folder / "model.keras").predict(images, batch_size=1000, verbose=0)


def run_savedmodel(folder, images):
    import tensorflow as tf

    serve = tf.saved_model.load(str(folder)).signatures["serving_default"]
    return serve(input=tf.constant(images))["probabilities"].numpy()


def run_npz(folder, images):
    arrays = np.load(folder / "model.npz")
    manifest = json.loads(arrays["manifest.json"])
    x = images.reshape(len(images), -1).astype(np.float32) * np.float32(manifest["preprocessing"]["scale"])
    for number, layer in enumerate(manifest["network"]["layers"], 1):
        z = x @ arrays[f"dense_{number}/kernel"] + arrays[f"dense_{number}/bias"]
        x = np.maximum(z, 0) if layer["activation"] == "relu" else z
    powers = np.exp(x - x.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


RUN = {"keras": run_keras, "savedmodel": run_savedmodel, "npz": run_npz}

if __name__ == "__main__":
    _, name, place = sys.argv
    folder = pathlib.Path(place)
    pixels = np.fromfile(folder / "images.bin", np.uint8).reshape(-1, 28, 28, 1)
    np.asarray(RUN[name](folder, pixels)).astype("<f4").tofile(folder / "answers.bin")
