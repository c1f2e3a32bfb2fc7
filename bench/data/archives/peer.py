"""The peer: Python's zipfile with Pillow, and NumPy; to the same bytes in a file, with their SHA-256."""

import hashlib
import io
import json
import os
import re
import sys
import time
import zipfile

import numpy as np
from PIL import Image

file, image_size = sys.argv[1], sys.argv[2]


def rows():
    if not image_size:
        with np.load(file) as arrays:
            x = arrays["x_train"]
            yield np.ascontiguousarray(x if x.dtype == np.uint8 else x.astype(np.float32))
            yield arrays["y_train"].astype(np.int32)
        return
    width, height = map(int, image_size.split("x"))
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            image = Image.open(io.BytesIO(archive.read(name)))
            if image.size != (width, height):
                image = image.resize((width, height))
            yield np.asarray(image)


start = time.perf_counter()
digest = hashlib.sha256()
with open(f"{file}.peer", "wb") as out:
    for row in rows():
        digest.update(row)
        out.write(row)
    out.flush()
    os.fsync(out.fileno())
seconds = time.perf_counter() - start
os.remove(f"{file}.peer")
with open("/proc/self/status") as status:
    kibibytes = int(re.search(r"VmHWM:\s+(\d+)", status.read())[1])
print(json.dumps({"seconds": seconds, "megabytes": kibibytes * 1024 / 1e6}))
