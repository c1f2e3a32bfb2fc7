"""Keras on TensorFlow, by `fit`; `stepsPerExecution` of the job runs that many steps in one call of its function."""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

import keras
import tensorflow
from contest import JOB, Clock, read_split, report

train, test = read_split("train"), read_split("t10k")
keras.utils.set_random_seed(JOB["seed"])
layers = [keras.layers.Input((784,))]
for units in JOB["hidden"]:
    layers.append(keras.layers.Dense(units, "relu"))
    if JOB["dropout"] > 0:
        layers.append(keras.layers.Dropout(JOB["dropout"]))
model = keras.Sequential([*layers, keras.layers.Dense(10, "softmax")])
model.compile(
    keras.optimizers.Adam(JOB["learningRate"]),
    "sparse_categorical_crossentropy",
    metrics=["accuracy"],
    steps_per_execution=JOB.get("stepsPerExecution", 1),
)
clock = Clock()


class Timing(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        clock.start_epoch()

    def on_epoch_end(self, epoch, logs=None):
        clock.end_epoch(logs["val_accuracy"])


model.fit(
    *train,
    batch_size=JOB["batchSize"],
    epochs=JOB["epochs"],
    validation_data=test,
    validation_batch_size=1000,
    verbose=0,
    callbacks=[Timing()],
)
report({"keras": keras.__version__, "tensorflow": tensorflow.__version__}, clock)
