"""Fills a store with runs as large as people's: 20 params, 10 metrics, 5 tags, and here and there a curve.

python tests/benchmarks/generate_runs.py URL [--runs 100000]
"""

from __future__ import annotations

import argparse
import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlops.records import Curve, Run, Status
from jupyter_mlops.store import Store, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
MODELS = ("forest", "logistic", "boosting", "net", "lasso")
AT_ONCE = 2_000


def generated(count: int, seed: int = 0) -> Iterator[tuple[Run, dict[str, Curve]]]:
    """The runs, always the same for one seed; every hundredth has a curve of 500 points."""
    chance = random.Random(seed)
    for index in range(count):
        model = chance.choice(MODELS)
        params = {f"param_{i}": round(chance.random(), 4) if i % 2 else f"value {i}" for i in range(18)}
        metrics = {f"metric_{i}": chance.random() for i in range(9)}
        curves = {}
        if index % 100 == 0:
            values = [1 / (step + 1) + chance.random() / 50 for step in range(500)]
            curves["loss"] = Curve(
                steps=list(range(500)), values=values, times=[step * 0.01 for step in range(500)], count=500
            )
        run = Run(
            run_id=f"{index:026d}",
            experiment=f"notebook {index % 20}",
            status=Status.FAILED if index % 31 == 0 else Status.FINISHED,
            start_time=BEGIN + timedelta(seconds=index * 7),
            duration=chance.random() * 100,
            name=f"{model} {index % 50}",
            params={**params, "model": model, "depth": index % 12},
            metrics={**metrics, "accuracy": chance.random()},
            tags={f"tag_{i}": f"value {index % 3}" for i in range(4)} | {"team": f"team {index % 7}"},
            source="model.fit(X_train, y_train)",
        )
        yield run, curves


def fill(store: Store, count: int) -> None:
    """Save `count` generated runs."""
    batch = []
    for pair in generated(count):
        batch.append(pair)
        if len(batch) == AT_ONCE:
            store.save_runs(batch)
            batch = []
    if batch:
        store.save_runs(batch)


def main() -> None:
    """Fill the store at a URL."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--runs", type=int, default=100_000)
    options = parser.parse_args()
    store = open_store(options.url, str(Path.cwd() / "artifacts"))
    fill(store, options.runs)
    print(f"{store.count()} runs", file=sys.stderr)
    store.close()


if __name__ == "__main__":
    main()
