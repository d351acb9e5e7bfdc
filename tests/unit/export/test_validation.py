"""The proof's own parts: processes that hang, flood or fork, numbers that are nearly equal, files that changed."""

from __future__ import annotations

import json
import math
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest
import xxhash

from jupyter_mlops.export.trial import run_script
from jupyter_mlops.export.validation import (
    changed_inputs,
    clock_names,
    compare,
    measures_time,
    same,
    unread_settings,
)
from jupyter_mlops.records import FileUse

if TYPE_CHECKING:
    from pathlib import Path


def script(folder: Path, code: str) -> Path:
    (folder / "pipeline.py").write_text(code)
    return folder


WRITE = "import sys, json, pathlib\nout = pathlib.Path(sys.argv[-1])\nout.mkdir()\n"


def test_metrics_are_read_back(tmp_path: Path) -> None:
    code = WRITE + "(out / 'metrics.json').write_text('{\"a\": 1, \"b\": NaN}')"
    found = run_script(script(tmp_path, code), sys.executable, timeout=60)
    assert found.exit_code == 0
    assert found.metrics["a"] == 1
    assert math.isnan(found.metrics["b"])


def test_isolated_from_the_directory_and_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit(9)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    code = (
        WRITE
        + "assert list(pathlib.Path.cwd().iterdir()) == []\n(out / 'metrics.json').write_text(json.dumps({}))"
    )
    assert run_script(script(tmp_path, code), sys.executable, timeout=60).exit_code == 0


def test_what_hangs_is_stopped_with_its_children(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    code = (
        "import subprocess, sys, time, pathlib\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"pathlib.Path({str(mark)!r}).write_text(str(child.pid))\n"
        "time.sleep(600)"
    )
    found = run_script(script(tmp_path, code), sys.executable, timeout=2)
    assert found.exit_code is None
    assert "did not end within 2 seconds" in found.cause
    assert gone(int(mark.read_text()))


def test_children_do_not_outlive_a_script_that_ends(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    code = WRITE + (
        "import subprocess\nchild = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"pathlib.Path({str(mark)!r}).write_text(str(child.pid))\n(out / 'metrics.json').write_text('{{}}')"
    )
    assert run_script(script(tmp_path, code), sys.executable, timeout=60).exit_code == 0
    assert gone(int(mark.read_text()))


def gone(pid: int) -> bool:
    for _ in range(100):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


def test_the_cause_is_what_the_script_said(tmp_path: Path) -> None:
    events = [
        {"event": "step_failed", "step": "train"},
        {"event": "stopped", "message": "Step train failed: E: no."},
    ]
    code = "import sys\n" + "".join(
        f"print({json.dumps(json.dumps(event))}, file=sys.stderr)\n" for event in events
    )
    found = run_script(script(tmp_path, code + "sys.exit(5)"), sys.executable, timeout=60)
    assert (found.exit_code, found.cause, found.failed) == (5, "Step train failed: E: no.", "train")
    crash = run_script(script(tmp_path, "import no_such_module"), sys.executable, timeout=60)
    assert "No module named 'no_such_module'" in crash.cause
    absent = run_script(script(tmp_path, ""), str(tmp_path / "python"), timeout=60)
    assert "cannot be started" in absent.cause
    silent = run_script(script(tmp_path, ""), sys.executable, timeout=60)
    assert "no readable metrics.json" in silent.cause


@pytest.mark.parametrize(
    ("expected", "value", "equal"),
    [
        (3, 3, True),
        (3, 4, False),
        (3, 3.0, True),
        (0.1, 0.1 + 1e-9, True),
        (0.1, 0.1001, False),
        (1e12, 1e12 + 1, True),
        (0.0, 1e-13, True),
        (float("nan"), float("nan"), True),
        (float("nan"), 1.0, False),
        (float("inf"), float("inf"), True),
        (0.5, None, False),
    ],
)
def test_equal_numbers(expected: float, value: float | None, equal: bool) -> None:
    assert same(expected, value) is equal


def test_both_processes_count() -> None:
    checks = compare({"a": 0.5, "b": 1}, {"a": 0.5, "b": 1}, {"a": 0.6, "b": 1})
    assert [(check.name, check.equal, check.second) for check in checks] == [
        ("a", False, 0.6),
        ("b", True, 1),
    ]


def test_inputs_that_are_gone_or_changed(tmp_path: Path) -> None:
    place = tmp_path / "d"
    place.write_bytes(b"data")
    use = FileUse(path=str(place), mode="r", hash=xxhash.xxh3_128_hexdigest(b"data"))
    unknown = FileUse(path=str(place), mode="r")
    assert changed_inputs({str(place): use}) == ([], [])
    assert changed_inputs({str(place): unknown}) == ([], [])
    place.write_bytes(b"Data")
    assert changed_inputs({str(place): use}) == ([], [str(place)])
    place.unlink()
    assert changed_inputs({str(place): use}) == ([str(place)], [])


@pytest.mark.parametrize(
    ("limit", "value", "said"),
    [("_FILES_BYTES", 1_000_000, "wrote more than"), ("_MEMORY_SHARE", 1e-6, "machine's memory")],
)
def test_what_fills_the_disk_or_the_memory_is_stopped(
    limit: str, value: float, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"jupyter_mlops.export.trial.{limit}", value)
    code = WRITE + "(out / 'large').write_bytes(b'x' * 2_000_000)\nimport time\ntime.sleep(600)"
    found = run_script(script(tmp_path, code), sys.executable, timeout=60)
    assert found.exit_code is None
    assert said in found.cause


def test_a_setting_that_nothing_reads_is_found() -> None:
    code = "def train(config, other):\n    return config.rate * other.depth\n"
    assert unread_settings(code, ["rate", "depth"], "config") == ["depth"]


def test_a_duration_is_told_by_the_names_of_two_clocks() -> None:
    code = "import time\nt0 = time.time()\nx = fit()\nt1 = time.time()\nloss = 1.5\nt2 = time.time()\nt2 = x"
    assert clock_names(code) == {"t0", "t1"}
    assert measures_time("27s", "t1 - t0", clock_names(code))
    assert not measures_time("gain", "x - loss", clock_names(code))
    assert not measures_time("gain", "t2 - t0", clock_names(code))


@pytest.mark.parametrize(
    ("name", "expression", "is_time"),
    [
        ("fit_time", "", True),
        ("ward", "time() - t0", True),
        ("ward", "time.perf_counter() - begun", True),
        ("accuracy", "accuracy_score(y, p)", False),
        ("lifetime", "df.lifetime()", False),
        ("overtime", "m.overtime_rate", False),
    ],
)
def test_a_duration_is_told_by_its_name_or_its_clock(name: str, expression: str, is_time: bool) -> None:
    assert measures_time(name, expression) is is_time
