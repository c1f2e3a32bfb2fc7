"""Makes numpy-2.json: NPZ and NPY files as NumPy writes them, in base64. Run by hand; tests need no Python.

    python3 -m venv ~/.cache/trainyard/numpy
    ~/.cache/trainyard/numpy/bin/pip install numpy==2.4.6
    ~/.cache/trainyard/numpy/bin/python test/reference/make_numpy.py
    npx biome check --write test/reference

Item i of x is (7 i) mod 100, or its truth of being odd; x is 4 × 3, 4 × 2 × 3 or 4 × 2 × 2 × 3. The labels are
b, a, b, c, as texts, or as their numbers.
"""

import base64
import io
import itertools
import json
from pathlib import Path

import numpy as np

TYPES = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8", "?"]
SHAPES = [(4, 3), (4, 2, 3), (4, 2, 2, 3)]
TEXTS = np.array(["b", "a", "b", "c"])


def values(shape, dtype):
    numbers = np.arange(np.prod(shape)) * 7 % 100
    return (numbers % 2 if "?" in dtype else numbers).reshape(shape).astype(dtype)


def packed(save, *arrays, **named):
    file = io.BytesIO()
    save(file, *arrays, **named)
    return base64.b64encode(file.getvalue()).decode()


def main():
    files = []
    for index, (dtype, order, is_fortran) in enumerate(itertools.product(TYPES, "<>", [False, True])):
        x = values(SHAPES[index % 3], order + dtype)
        x = np.asfortranarray(x) if is_fortran else x
        save = np.savez_compressed if index % 2 else np.savez
        y = [TEXTS, TEXTS.astype("S"), TEXTS.astype(">U3"), np.array([1, 0, 1, 2])][index % 4]
        named = {"file": packed(save, x_train=x, y_train=y), "shape": x.shape[1:], "descr": x.dtype.str}
        files.append({**named, "isFortran": is_fortran, "isText": bool(index % 4 < 3)})
    table = packed(np.save, np.column_stack([values((4, 3), "f8"), [1, 0, 1, 2]]))
    objects = packed(np.savez, x=np.array([{}, []], dtype=object), y=np.array([0, 1]))
    result = {"numpy": np.__version__, "files": files, "table": table, "objects": objects}
    (Path(__file__).parent / "numpy-2.json").write_text(json.dumps(result) + "\n")


main()
