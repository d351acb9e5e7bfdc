"""What the store costs: medians in milliseconds, as [wall clock, CPU of this process].

    python tests/benchmarks/bench_store.py [--runs 10000] [--many 100000] [--url URL]
        [--mlflow PYTHON] [--sacred PYTHON] [--peer-runs 1000]

A typical run has 20 params, 10 metrics, 5 tags, an environment and a session of 20 executed cells, of
which one is new. Beside it stand the same runs in SQLite without a library, and in MLflow and Sacred where
an interpreter that has them is given. `--many` fills a second store, to show that cost grows no faster than
the answer.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))
from generate_runs import fill
from store_peers import POINTS, cost, middle

from jupyter_mlops.records import Curve, Environment, Execution, Run, Status, new_id, now
from jupyter_mlops.store import Store, open_store

if TYPE_CHECKING:
    from collections.abc import Callable

Results = dict[str, "float | int | str | list[float]"]
CELL = "import numpy as np\nX = np.zeros((100, 3))\nmodel = fit(X)\nprint(score(model, X))\n" * 3
ENVIRONMENT = Environment(
    python="3.11.7",
    executable="/usr/bin/python3",
    platform="Linux",
    directory="/work",
    packages={f"package-{index}": "1.2.3" for index in range(40)},
)


def typical_run(order: int) -> Run:
    """The run of cell `order` of a session."""
    session = "session"
    cells = tuple(
        Execution(
            execution_id=f"{session}-{number}", session_id=session, order=number, source=CELL, code=CELL
        )
        for number in range(max(1, order - 19), order + 1)
    )
    return Run(
        run_id=new_id(),
        experiment="benchmark",
        status=Status.FINISHED,
        start_time=now(),
        duration=0.5,
        name=f"run {order % 7}",
        params={f"param_{index}": index * 0.1 if index % 2 else f"value {index}" for index in range(20)},
        metrics={f"metric_{index}": order / (index + 1) for index in range(10)},
        tags={f"tag_{index}": f"value {order % 3}" for index in range(5)},
        source=CELL,
        session_id=session,
        orders=(order,),
        cells=cells,
        environment=ENVIRONMENT,
    )


def median(act: Callable[[], object], times: int = 30) -> list[float]:
    """Median milliseconds of `act`, after three warm-ups."""
    return cost(act, times, warm=3)


def fresh_process(code: str, *arguments: str) -> float:
    """Median over five fresh processes of the milliseconds that `code` prints."""
    taken = []
    for _ in range(5):
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
        )
        taken.append(float(done.stdout))
    return statistics.median(taken)


TIMED = """
import sys, time
{before}
begin = time.perf_counter()
{act}
print((time.perf_counter() - begin) * 1000)
"""


def main() -> None:
    """Measure and print one JSON document."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--url", default="")
    parser.add_argument("--many", type=int, default=0)
    parser.add_argument("--mlflow", default="", metavar="PYTHON")
    parser.add_argument("--sacred", default="", metavar="PYTHON")
    parser.add_argument("--peer-runs", type=int, default=1000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = options.url or f"sqlite:///{Path(folder) / 'runs.db'}"
        results: Results = {"runs": options.runs, "load of the machine": os.getloadavg()[0]}
        imported = TIMED.format(before="import jupyter_mlops", act="import jupyter_mlops.store")
        results["import jupyter_mlops.store"] = fresh_process(imported)
        opening = TIMED.format(
            before="from jupyter_mlops.store import open_store", act="open_store(sys.argv[1], sys.argv[2])"
        )
        begin = time.perf_counter()
        store = open_store(url, folder)
        results["create the store"] = (time.perf_counter() - begin) * 1000
        results["open the store, up to date"] = fresh_process(opening, url, folder)
        results |= measure(store, options.runs)
        store.close()
        show(results)
        peers = [("raw", sys.executable, options.runs)]
        if options.mlflow:
            peers.append(("mlflow", options.mlflow, options.peer_runs))
        if options.sacred:
            peers.append(("sacred", options.sacred, options.peer_runs))
        for name, python, count in peers:
            show({"peer": name, "runs": count, **peer(python, name, folder, count)})
        if options.mlflow and options.runs != options.peer_runs:
            print(f"MLflow had {options.peer_runs} runs to search in, not {options.runs}.")
    if options.many:
        with tempfile.TemporaryDirectory() as folder:
            show(many(folder, options.many))


def show(results: Results) -> None:
    """Print figures as one JSON document, a line a figure."""
    for key, value in results.items():
        if isinstance(value, float):
            results[key] = round(value, 3)
        elif isinstance(value, list):
            results[key] = " / ".join(f"{number:.2f}" for number in value)
    print(json.dumps(results, indent=1), flush=True)


def peer(python: str, name: str, folder: str, count: int) -> Results:
    """The figures of a peer, measured in a process of its own."""
    script = Path(__file__).with_name("store_peers.py")
    environment = os.environ if python == sys.executable else {**os.environ, "PYTHONPATH": ""}
    command = [python, str(script), name, folder, str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    found: Results = json.loads(done.stdout.splitlines()[-1])
    return found


def many(folder: str, count: int) -> Results:
    """What is asked of a store of `count` runs."""
    store = open_store(f"sqlite:///{Path(folder) / 'many.db'}", folder)
    fill(store, count)
    wide = "metrics.metric_0 > 0.1 AND params.model = 'forest' AND tags.team LIKE 'team%'"
    best = {"order_by": ["metrics.accuracy DESC"], "max_results": 100}
    found: Results = {
        "runs": count,
        "latest 100": median(lambda: store.search(max_results=100)),
        "top 100 with a filter": median(lambda: store.search(wide, **best)),
        "top 100 with a filter that keeps few": median(
            lambda: store.search("metrics.metric_0 > 0.99", **best)
        ),
        "count": median(store.count, 5),
        "count of a filter that keeps few": median(lambda: store.count("metrics.metric_0 > 0.999"), 5),
        "count of a filter that keeps a fifth": median(lambda: store.count(wide), 3),
        "frame of all runs": cost(store.frame, 3),
    }
    store.close()
    return found


def measure(store: Store, count: int) -> Results:
    """The figures of an open store that gets `count` runs first."""
    results: Results = {}
    taken = []
    for order in range(1, count + 1):
        run = typical_run(order)
        begin, cpu = time.perf_counter(), time.process_time()
        store.save_run(run)
        taken.append((time.perf_counter() - begin, time.process_time() - cpu))
    results["save_run, the first hundred"] = middle(taken[5:100])
    results["save_run, the last hundred"] = middle(taken[-100:])
    results["save_run, 99th percentile"] = sorted(taken)[int(len(taken) * 0.99)][0] * 1000
    run = typical_run(count)
    results["begin_run and save_run"] = median(lambda: begin_and_save(store, count))
    store.save_run(run)
    points = 2_000
    curve = Curve(
        steps=list(range(points)),
        values=[1 / (index + 1) for index in range(points)],
        times=[index * 0.01 for index in range(points)],
        count=points,
    )
    results["save_run again with a curve of 2,000 points"] = median(
        lambda: store.save_run(run, curves={"l": curve})
    )
    results["get_curve"] = median(lambda: store.get_curve(run.run_id, "l"))
    long = Curve(
        steps=list(range(POINTS)),
        values=[1 / (index + 1) for index in range(POINTS)],
        times=[index * 0.01 for index in range(POINTS)],
        count=POINTS,
    )
    written = median(lambda: store.save_run(run, curves={"long": long}), 5)
    results["a curve of 100,000 points, written"] = written
    results["curve points a second until readable"] = POINTS / written[0] * 1000
    results["a curve of 100,000 points, read"] = median(lambda: store.get_curve(run.run_id, "long"), 10)
    results["heartbeat"] = median(lambda: store.heartbeat(run.run_id, lease_seconds=15))
    results["get_run"] = median(lambda: store.get_run(run.run_id))
    results["get_summary"] = median(lambda: store.get_summary(run.run_id))
    results["revision"] = median(store.revision)
    results["latest 100"] = median(lambda: store.search(max_results=100))
    results["latest 100 of the experiment"] = median(
        lambda: store.search(max_results=100, experiment="benchmark")
    )
    results["best 100 by a metric"] = median(
        lambda: store.search(order_by=["metrics.metric_3 DESC"], max_results=100), 5
    )
    wide = "metrics.metric_0 > 10 AND params.param_2 = 'value 2' AND tags.tag_1 LIKE 'value%'"
    narrow = "metrics.metric_0 = 77 AND params.param_1 > 0.05"
    results["top 100 with a filter"] = median(
        lambda: store.search(wide, order_by=["metrics.metric_3 DESC"], max_results=100), 10
    )
    results["filter that keeps most, latest 100"] = median(lambda: store.search(wide, max_results=100), 10)
    results["filter that keeps one"] = median(lambda: store.search(narrow), 10)
    results["count of a filter that keeps most"] = median(lambda: store.count(wide), 5)
    results["count"] = median(store.count)
    results["resolve best:METRIC"] = median(lambda: store.resolve("best:metric_0", experiment="benchmark"))
    results["resolve #NUMBER"] = median(lambda: store.resolve("#77", experiment="benchmark"))
    results["previous_run"] = median(lambda: store.previous_run(run))
    results["best_value"] = median(
        lambda: store.best_values("benchmark", {"metric_1": True}, before=run.run_id)
    )
    results["all runs"] = median(store.search, 3)
    results["frame of all runs"] = median(store.frame, 3)
    results["put_artifact of 100 KB, new"] = median(lambda: store.put_artifact(new_id().encode() * 4000))
    return results


def begin_and_save(store: Store, order: int) -> None:
    """A run longer than half a second: a row early, and again at its end."""
    store.save_run(store.begin_run(typical_run(order), lease_seconds=15))


if __name__ == "__main__":
    main()
