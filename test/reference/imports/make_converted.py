"""Converts sequential.keras with the converter of TensorFlow.js, into converted.zip. Run by hand, in the environment of
make_imports.py and with the package itself, without the many that only its other converters need:

    pip install --no-deps tensorflowjs==4.22.0
    python test/reference/imports/make_converted.py
"""

import importlib.util
import os
import sys
import tempfile
import types
import zipfile
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

HERE = Path(__file__).parent


def converter():
    """The Keras part of the package: what it imports first of all needs the other packages."""
    spec = importlib.util.find_spec("tensorflowjs")
    for name in ("tensorflowjs", "tensorflowjs.converters"):
        module = types.ModuleType(name)
        module.__path__ = [str(Path(spec.origin).parent.joinpath(*name.split(".")[1:]))]
        sys.modules[name] = module
    from tensorflowjs.converters import keras_h5_conversion

    return keras_h5_conversion


def main():
    convert = converter()
    import keras

    with tempfile.TemporaryDirectory() as folder:
        convert.save_keras_model(keras.models.load_model(HERE / "sequential.keras"), folder)
        with zipfile.ZipFile(HERE / "converted.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(Path(folder).iterdir()):
                archive.write(file, file.name)


if __name__ == "__main__":
    main()
