"""What the Python contestants share: the job, MNIST, the clock and the report. See contestants.ts for the rules."""

import json
import sys
import time
from pathlib import Path

import numpy as np

# hidden: units of each hidden layer; dropout: rate after each; epochs, batchSize, learningRate; data: folder of the
# IDX files; threads: for those who ask to be told.
JOB = json.loads(sys.argv[1])


def read_split(prefix):
    """Images as float32 in 0..1, [count, 784], and their digits as int32."""
    folder = Path(JOB["data"])
    images = np.frombuffer((folder / f"{prefix}-images-idx3-ubyte").read_bytes(), np.uint8, offset=16)
    labels = np.frombuffer((folder / f"{prefix}-labels-idx1-ubyte").read_bytes(), np.uint8, offset=8)
    return images.reshape(-1, 784).astype(np.float32) / 255, labels.astype(np.int32)


class Clock:
    """Seconds of each epoch, training and evaluation together."""

    def __init__(self):
        self.seconds = []
        self.accuracies = []
        self.started = time.perf_counter()

    def start_epoch(self):
        self.started = time.perf_counter()

    def end_epoch(self, accuracy):
        accuracy = float(accuracy)  # JAX computes in the background: this waits for it, so it comes first
        self.seconds.append(time.perf_counter() - self.started)
        self.accuracies.append(accuracy)


def report(versions, clock):
    """The one line that the comparison reads."""
    status = Path("/proc/self/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    result = {
        "versions": {"python": sys.version.split()[0], "numpy": np.__version__, **versions},
        "epochSeconds": clock.seconds,
        "accuracies": clock.accuracies,
        "peakBytes": int(peak.split()[1]) * 1024,
        "cpuSeconds": time.process_time(),
    }
    print(json.dumps(result), flush=True)
