"""The workload `mlp` against scikit-learn's MLPClassifier, which does the same: SGD with momentum, batches of 128."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from statistics import median

from nncli.benchmark.timing import WARM_UP, Bench
from nncli.benchmark.workload import open_workload
from nncli.spec import load

CHILD = """
import sys, time
import numpy as np
from sklearn.neural_network import MLPClassifier
rng = np.random.default_rng(0)
x, t = rng.standard_normal((128, 784)).astype(np.float32), rng.integers(0, 10, 128)
model = MLPClassifier((256, 128), solver="sgd", learning_rate_init=0.01, momentum=0.9, alpha=0, batch_size=128)
for _ in range(10):
    model.partial_fit(x, t, classes=np.arange(10))
for line in sys.stdin:
    end, count = time.perf_counter() + float(line), 0
    start = time.perf_counter()
    while time.perf_counter() < end:
        model.partial_fit(x, t)
        count += 1
    print((time.perf_counter() - start) / count, flush=True)
"""
ROUNDS, TURN = 15, 0.3


def report(seconds: float) -> None:
    """One line: the ratio, in turns."""
    if importlib.util.find_spec("sklearn") is None:
        print("\nmlp against scikit-learn: skipped, scikit-learn is not installed (`pip install scikit-learn`)")
        return
    config = Path(__file__).parent / "workloads" / "mlp.yaml"
    other = subprocess.Popen([sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdin is not None
    assert other.stdout is not None
    ours, theirs = [], []
    with open_workload(load(config), random=True) as workload:
        bench = Bench(workload)
        bench.steps_for(WARM_UP * TURN)
        for _ in range(max(3, min(ROUNDS, round(seconds / (2 * TURN))))):
            ours.append(median(bench.steps_for(TURN)))
            print(TURN, file=other.stdin, flush=True)
            theirs.append(json.loads(other.stdout.readline()))
    other.stdin.close()
    other.wait()
    mine, its = median(ours), median(theirs)
    print(f"\nmlp: nncli {mine * 1e3:.2f} ms/step, scikit-learn {its * 1e3:.2f} ms/step, ratio {its / mine:.2f}")
