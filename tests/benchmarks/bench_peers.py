"""What cells cost under us and under the peers, beside a plain kernel.

    python tests/benchmarks/bench_peers.py --venvs FOLDER
    python tests/benchmarks/bench_peers.py --peer mlflow=PYTHON --peer exptrack=PYTHON --peer ipyflow=PYTHON

With `--venvs` each peer's environment is made below FOLDER where it is missing. Every contestant is a real
kernel that runs the same cells; they take turns, so that what the machine does besides falls on all alike.
Printed are medians with the fastest and slowest round in brackets, of the wall clock from the request to the
idle message, and of the CPU time of the kernel's process with all its threads (Linux only), each beside
the plain kernel's.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))
from kernels import Kernel

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMON = ("ipykernel", "scikit-learn", "pandas")


@dataclass(frozen=True)
class Contestant:
    """One way of running a notebook: what switches it on, and what it needs before a cell it records.

    `log` is its statement that records `loss` at step `i`, for those that see no loop by themselves.
    """

    name: str
    packages: tuple[str, ...] = ()
    load: str = ""
    marker: str = ""
    log: str = ""
    dataset: str = ""
    python: str = sys.executable
    found: dict[str, list[tuple[float, float]]] = field(default_factory=dict)


CONTESTANTS = (
    Contestant("plain"),
    Contestant("ours", load="%load_ext jupyter_mlops", marker="%%track\n"),
    Contestant(
        "mlflow",
        ("mlflow",),
        load="import mlflow, warnings\nwarnings.simplefilter('ignore')\n"
        "mlflow.set_tracking_uri('sqlite:///mlflow.db')\nmlflow.autolog(silent=True)",
        log="mlflow.log_metric('loss', loss, step=i)",
        # Autologging takes no notice of a frame by itself; its digest is of a sample of the rows.
        dataset="\nmlflow.log_input(mlflow.data.from_pandas(big, source='memory'))",
    ),
    Contestant(
        "exptrack",
        ("exptrack",),
        load="%load_ext exptrack\nimport exptrack.notebook as exp",
        log="exp.metric('loss', loss, step=i)",
    ),
    Contestant("ipyflow", ("ipyflow",), load="%load_ext ipyflow"),
)

FIT_SETUP = (
    "from sklearn.linear_model import LogisticRegression\n"
    "from sklearn.datasets import load_iris\n"
    "X, y = load_iris(return_X_y=True)"
)
#: About 4 ms in a plain kernel on a quiet machine.
FIT = "model = LogisticRegression(solver='newton-cholesky').fit(X, y)\naccuracy = model.score(X, y)"
EMPTY_LOOP = "for i in range(10_000_000):\n    pass"
STEPS = {"mlflow": 200, "exptrack": 200}
TIMED_LOOP = """
from time import perf_counter, process_time
begun = perf_counter(), process_time()
for i in range({count}):
    loss = i / 2
    {log}
print(perf_counter() - begun[0], process_time() - begun[1])
"""
FRAME = (
    "import numpy as np, pandas as pd\n"
    "big = pd.DataFrame(np.random.default_rng(0).random(({rows}, 100)))\n"
    "big.columns = [f'c{{number}}' for number in range(100)]"
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON")
    parser.add_argument("--venvs", type=Path, help="a folder with, or for, an environment a peer")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--gigabytes", type=float, default=1.0, help="the size of the large frame")
    parser.add_argument("--json", type=Path, help="also write every round's figures to this file")
    parser.add_argument("--only", default="", help="the cases whose title holds this")
    options = parser.parse_args()
    pythons = dict(text.split("=", 1) for text in options.peer)
    unknown = pythons.keys() - {one.name for one in CONTESTANTS}
    if unknown:
        parser.error(f"no such peer: {', '.join(sorted(unknown))}")
    if options.venvs is not None:
        for one in CONTESTANTS:
            if one.packages and one.name not in pythons:
                pythons[one.name] = environment(options.venvs / one.name, one.packages)
    taking_part = [
        Contestant(**{**vars(one), "found": {}, "python": pythons.get(one.name, sys.executable)})
        for one in CONTESTANTS
        if not one.packages or one.name in pythons
    ]
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; {options.rounds} rounds")
    with tempfile.TemporaryDirectory() as name:
        kernels = {one.name: start(one, Path(name)) for one in taking_part}
        try:
            for title, rounds, step in cases(options.rounds, options.gigabytes):
                if options.only in title:
                    measure(title, rounds, step, taking_part, kernels)
        finally:
            for kernel in kernels.values():
                kernel.close()
    if options.json:
        options.json.write_text(json.dumps({one.name: one.found for one in taking_part}, indent=1))


def environment(folder: Path, packages: tuple[str, ...]) -> str:
    """The interpreter of the environment at `folder`, made with `packages` where it is missing."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        print(f"making {folder}", file=sys.stderr)
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *COMMON, *packages], check=True)
    return str(python)


def start(one: Contestant, folder: Path) -> Kernel:
    """The contestant's kernel, in a project folder of its own, switched on and warm."""
    place = folder / one.name
    place.mkdir()
    apart = {} if one.python == sys.executable else {"PYTHONPATH": "", "JUPYTER_PATH": ""}
    if one.name == "exptrack":
        subprocess.run([one.python, "-m", "exptrack", "init"], cwd=place, capture_output=True, check=False)
    kernel = Kernel(place, python=one.python, **apart)
    if one.load:
        run(kernel, one.load)
    run(kernel, FIT_SETUP)
    return kernel


@dataclass(frozen=True)
class Step:
    """A cell to time: `before` runs untimed in every round, `within` tells that the cell times itself."""

    code: str
    marked: bool = False
    setup: str = ""
    teardown: str = ""
    loop: bool = False
    dataset: bool = False


def cases(rounds: int, gigabytes: float) -> Iterator[tuple[str, int, Step]]:
    """What is measured, in order: a title, how many rounds, the cell."""
    few = max(3, rounds // 3)
    yield "fit of 4 ms: model, data, code, environment", rounds, Step(FIT, marked=True)
    yield "`x = 1`, not tracked", rounds, Step("x = 1")
    yield "`x = 1`, tracked", rounds, Step("x = 1", marked=True)
    yield "empty loop of 10 million, not tracked", few, Step(EMPTY_LOOP)
    yield "empty loop of 10 million, tracked", few, Step(EMPTY_LOOP, marked=True)
    yield "a recorded step of a loop", few, Step(TIMED_LOOP.strip(), marked=True, loop=True)
    setup = FRAME.format(rows=int(gigabytes * 1e9 / 800))
    size = f"{gigabytes:g} GB frame"
    yield f"{size} untouched, tracked", few, Step("x = 1", marked=True, setup=setup)
    yield f"{size} untouched, not tracked", few, Step("x = 1")
    touched = Step("big.iloc[0, 0] += 1", marked=True, dataset=True)
    yield f"{size} changed, tracked", few, touched
    yield f"{size} read, tracked", few, Step("rows = len(big)", marked=True, dataset=True)


def measure(
    title: str, rounds: int, step: Step, taking_part: list[Contestant], kernels: dict[str, Kernel]
) -> None:
    """Run a case in turns and print its lines."""
    taken: dict[str, list[tuple[float, float]]] = {one.name: [] for one in taking_part}
    if step.setup:
        for kernel in kernels.values():
            run(kernel, step.setup)
    for turn in range(rounds + 2):
        for one in taking_part:
            figures = timed(kernels[one.name], one, step)
            if turn >= 2:  # two to warm up
                taken[one.name].append(figures)
    print(f"\n{title}")
    plain = [statistics.median(column) for column in zip(*taken["plain"], strict=True)]
    unit, scale = ("µs", 1e6) if step.loop else ("ms", 1e3)
    for one in taking_part:
        one.found[title] = taken[one.name]
        parts = [f"  {one.name:10}"]
        for name, column, base in zip(
            ("wall", "cpu"), zip(*taken[one.name], strict=True), plain, strict=True
        ):
            middle = statistics.median(column)
            parts.append(
                f"{name} {middle * scale:9.2f} {unit} [{min(column) * scale:.2f}..{max(column) * scale:.2f}]"
                f" {(middle - base) * scale:+9.2f} × {middle / base if base else math.nan:.2f}"
            )
        print("   ".join(parts), flush=True)


def timed(kernel: Kernel, one: Contestant, step: Step) -> tuple[float, float]:
    """Seconds of the wall clock and of CPU that the contestant's form of a cell takes; a step's in a loop."""
    marker = one.marker if step.marked else ""
    if step.loop:
        count = STEPS.get(one.name, 4_000)
        said = run(kernel, marker + step.code.format(count=count, log=one.log or "pass"))
        # A peer may print something of its own.
        found = re.findall(r"^([\d.e-]+) ([\d.e-]+)$", said, re.MULTILINE)
        return float(found[-1][0]) / count, float(found[-1][1]) / count
    code = step.code + (one.dataset if step.dataset else "")
    wall, cpu = time.perf_counter(), process_seconds(kernel)
    run(kernel, marker + code)
    return time.perf_counter() - wall, process_seconds(kernel) - cpu


def run(kernel: Kernel, code: str) -> str:
    """Run a cell; gives what it printed, and ends the benchmark where it failed."""
    outcome = kernel.run(code, timeout=300)
    if outcome.status != "ok":
        raise SystemExit(f"{code}\nfailed:\n{outcome.traceback}")
    return outcome.stdout.partition("jupyter_mlops:")[0]


def process_seconds(kernel: Kernel) -> float:
    """CPU seconds the kernel's process has taken so far, to the nanosecond; NaN where nobody tells."""
    pid = kernel.manager.provisioner.pid if kernel.manager.provisioner is not None else None
    if not sys.platform.startswith("linux") or pid is None:
        return math.nan
    # As clock_getcpuclockid(3) makes it, which Python has no name for.
    return time.clock_gettime((~pid << 3) | 2)


if __name__ == "__main__":
    main()
