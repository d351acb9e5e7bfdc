"""What a cell costs with and without us: ``python tests/benchmarks/bench_kernel.py``.

Two real kernels run the same cells in turn, one plain, one with the extension; every figure is the
median round trip from the request to the kernel's idle message. Imports are timed in fresh
interpreters, in turn with an empty one.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from kernels import Kernel

FRAME = (
    "import numpy as np, pandas as pd\nbig = pd.DataFrame(np.random.default_rng(0).random((62_500, 1000)))"
)
FIT = (
    "from sklearn.linear_model import LogisticRegression\n"
    "from sklearn.datasets import load_iris\n"
    "X, y = load_iris(return_X_y=True)"
)
#: A cell whose score keeps its predictions.
SPLIT = (
    "from sklearn.metrics import accuracy_score\n"
    "from sklearn.model_selection import train_test_split\n"
    "X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)"
)
PREDICTED = (
    "m = LogisticRegression(max_iter=200).fit(X_train, y_train)\naccuracy_score(y_test, m.predict(X_test))"
)


def seconds(kernel: Kernel, code: str) -> float:
    begun = time.perf_counter()
    outcome = kernel.run(code)
    taken = time.perf_counter() - begun
    assert outcome.status == "ok", outcome.traceback
    return taken


def paired(plain: Kernel, ours: Kernel, code: str, tracked: str, runs: int) -> tuple[float, float]:
    """Median seconds of `code` in the plain kernel and of `tracked` in ours, in turn."""
    for kernel, warm in ((plain, code), (ours, tracked)) * 3:
        seconds(kernel, warm)
    without, with_us = [], []
    for _ in range(runs):
        without.append(seconds(plain, code))
        with_us.append(seconds(ours, tracked))
    return statistics.median(without), statistics.median(with_us)


#: The first steps of a loop are recorded one by one; this many are timed from within.
EXACT = 4_000
STEPS = """
from time import process_time as clock
begun = clock()
for i in range({count}):
    loss = i / 2
print(clock() - begun)
"""


def step_seconds(plain: Kernel, ours: Kernel, runs: int) -> tuple[float, float]:
    """Seconds a step of a loop costs by itself and with every step recorded, timed inside the cell."""
    code = STEPS.format(count=EXACT).strip()
    without, with_us = [], []
    for _ in range(runs):
        without.append(float(plain.run(code).stdout) / EXACT)
        with_us.append(float(ours.run(f"%%track\n{code}").stdout) / EXACT)
    return statistics.median(without), statistics.median(with_us)


def import_seconds(code: str, runs: int) -> tuple[float, float]:
    empty, timed = [], []
    for _ in range(runs):
        for statement, times in (("pass", empty), (code, timed)):
            begun = time.perf_counter()
            subprocess.run([sys.executable, "-c", statement], check=True)
            times.append(time.perf_counter() - begun)
    return statistics.median(empty), statistics.median(timed)


def load_seconds(folder: Path, runs: int) -> float:
    times = []
    for run in range(runs):
        kernel = Kernel(folder / f"load{run}")
        kernel.run("1 + 1")
        times.append(seconds(kernel, "%load_ext jupyter_mlops"))
        kernel.close()
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=40)
    runs = parser.parse_args().runs
    empty, imported = import_seconds("import jupyter_mlops", max(5, runs // 2))
    print(f"import jupyter_mlops           +{(imported - empty) * 1e3:6.1f} ms")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for run in range(5):
            (folder / f"load{run}").mkdir()
        print(f"%load_ext jupyter_mlops         {load_seconds(folder, 5) * 1e3:6.1f} ms")
        (folder / "plain").mkdir()
        (folder / "ours").mkdir()
        plain, ours = Kernel(folder / "plain"), Kernel(folder / "ours")
        try:
            ours.load()
            ours.run("%%track\nx = 1")
            cases = [
                ("untracked `x = 1`", "x = 1", "x = 1", ""),
                ("tracked `x = 1`", "x = 1", "%%track\nx = 1", ""),
                ("tracked, 500 MB frame untouched", "x = 1", "%%track\nx = 1", FRAME),
                ("untracked, 500 MB frame untouched", "x = 1", "x = 1", ""),
                ("untracked, 500 MB frame read", "n = len(big)", "n = len(big)", ""),
                (
                    "tracked scikit-learn fit",
                    "m = LogisticRegression(max_iter=200).fit(X, y)\nm.score(X, y)",
                    "%%track\nm = LogisticRegression(max_iter=200).fit(X, y)\nm.score(X, y)",
                    FIT,
                ),
                ("tracked fit, predictions kept", PREDICTED, f"%%track\n{PREDICTED}", SPLIT),
                ("untracked fit and predictions", PREDICTED, PREDICTED, ""),
                ("tracked loop of 10 million", "for i in range(10_000_000): pass", "%%track\nfor i in range(10_000_000): pass", ""),
                (
                    "tracked loop of 1 million, a curve",
                    "for i in range(1_000_000):\n    loss = i / 2",
                    "%%track\nfor i in range(1_000_000):\n    loss = i / 2",
                    "",
                ),
            ]  # fmt: skip
            for label, code, tracked, setup in cases:
                for kernel in (plain, ours):
                    if setup:
                        kernel.run(setup, timeout=120)
                count = runs if "million" not in label else max(5, runs // 6)
                without, with_us = paired(plain, ours, code, tracked, count)
                print(
                    f"{label:34} {without * 1e3:8.1f} → {with_us * 1e3:8.1f} ms"
                    f"   +{(with_us - without) * 1e3:6.2f} ms   × {with_us / without:.2f}"
                )
            without, with_us = step_seconds(plain, ours, runs)
            print(
                f"{'a step of a loop, recorded exactly':34} {without * 1e6:8.3f} → {with_us * 1e6:8.3f} µs"
                f"   +{(with_us - without) * 1e6:6.3f} µs"
            )
        finally:
            plain.close()
            ours.close()


if __name__ == "__main__":
    main()
