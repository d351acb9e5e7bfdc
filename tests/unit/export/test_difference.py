"""What `jupyter mlops diff` finds, in which order, and the layer of each change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_mlops.export.difference import difference_of_versions
from jupyter_mlops.records import PipelineVersion, ValidationReport, now
from jupyter_mlops.terminal import version_difference_text

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = '''"""Pipeline."""

import math


class Config:
    depth = {depth}


def load(path):
    return path


def train(data):
    return math.sqrt({factor})


STEPS = (Step(load), Step(train){more})


# ---- running: the same in every pipeline
'''


def version(folder: Path, number: int, *, files: dict[str, str], **metrics: float) -> PipelineVersion:
    place = folder / f"v{number}"
    place.mkdir()
    for name, text in files.items():
        (place / name).write_text(text)
    report = ValidationReport(verdict="validated")
    return PipelineVersion(
        name="churn",
        version=number,
        path=str(place),
        status="validated",
        run_id="r",
        created_at=now(),
        report=report,
        metrics=dict(metrics),
    )


def contracts(**columns: Any) -> str:
    return f"CONTRACTS: dict[str, Any] = { ({'data': {'rows': 10, 'columns': columns}})!r}\n"


def test_changes_come_in_the_order_of_their_causes_each_with_its_layer(tmp_path: Path) -> None:
    first = version(
        tmp_path,
        1,
        files={
            "config.yaml": "depth: 2\n",
            "contracts.py": contracts(size={"kind": "number"}),
            "pipeline.py": SCRIPT.format(depth=2, factor=2, more=""),
            "requirements.lock": "# Pinned\nnumpy==2.0\npandas==2.2\n",
        },
        accuracy=0.5,
        loss=float("nan"),
    )
    second = version(
        tmp_path,
        2,
        files={
            "config.yaml": "depth: 8\nrate: 0.5\n",
            "contracts.py": contracts(size={"kind": "text"}),
            "pipeline.py": SCRIPT.format(depth=8, factor=3, more=", Step(score)"),
            "requirements.lock": "# Pinned\nnumpy==2.1\npandas==2.2\n",
        },
        accuracy=0.75,
        loss=float("nan"),
    )
    found = [
        (change.section, change.layer, change.name)
        for change in difference_of_versions(first, second).changes
    ]
    assert found == [
        ("config", "run", "depth"),
        ("config", "pipeline", "rate"),
        ("data contract", "pipeline", "data"),
        ("code", "component", "train"),
        ("code", "pipeline", "order of the steps"),
        ("metrics", "run", "accuracy"),
        ("environment", "infrastructure", "numpy"),
    ]
    text = version_difference_text(difference_of_versions(first, second))
    places = [
        text.index(f"\n{section}")
        for section in ("config", "data contract", "code", "metrics", "environment")
    ]
    assert places == sorted(places)
    assert {
        "-depth: 2",
        "+depth: 8",
        "-    return math.sqrt(2)",
        "+    return math.sqrt(3)",
        "-numpy: 2.0",
    } <= set(text.splitlines())
    assert "Nothing that is kept of them differs." in version_difference_text(
        difference_of_versions(first, first)
    )


def test_versions_whose_folders_are_gone_differ_by_their_metrics(tmp_path: Path) -> None:
    first, second = version(tmp_path, 1, files={}, accuracy=0.5), version(tmp_path, 2, files={}, f1=0.5)
    assert [change.name for change in difference_of_versions(first, second).changes] == ["accuracy", "f1"]


def test_a_step_under_another_name_is_one_change(tmp_path: Path) -> None:
    one = SCRIPT.format(depth=1, factor="data", more="")
    two = one.replace("train", "train_deeper").replace("sqrt(data)", "sqrt(2 * data)")
    two = two.replace("def load", "def check(a):\n    assert a\n\n\ndef load")
    first = version(tmp_path, 1, files={"pipeline.py": one})
    second = version(tmp_path, 2, files={"pipeline.py": two})
    found = {change.name: change for change in difference_of_versions(first, second).changes}
    assert list(found) == ["train → train_deeper", "order of the steps", "check"]
    lines = found["train → train_deeper"].lines
    assert "-    return math.sqrt(data)" in lines
    assert "+    return math.sqrt(2 * data)" in lines


def test_a_class_of_the_notebook_that_is_called_config_is_compared(tmp_path: Path) -> None:
    main = "def main():\n    return run_pipeline(PipelineConfig, STEPS)\n"
    text = "class Config:\n    a = {0}\n\n\nclass PipelineConfig:\n    b = {0}\n\n\n" + main
    first = version(tmp_path, 1, files={"pipeline.py": text.format(1)})
    second = version(tmp_path, 2, files={"pipeline.py": text.format(2)})
    assert [change.name for change in difference_of_versions(first, second).changes] == ["Config"]
