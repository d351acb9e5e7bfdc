"""Corrupt input of every kind stops a real exported script with exit code 3, before anything is written."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from export_harness import Notebook

from jupyter_mlops.export import export_run

if TYPE_CHECKING:
    from pathlib import Path

ROWS = [f"{number},{'abc'[number % 3]},{number / 4},{number % 7}" for number in range(60)]
HEAD = "id,kind,size,count"
WHOLE = "\n".join([HEAD, *ROWS]) + "\n"


def with_row(number: int, line: str) -> str:
    rows = [*ROWS]
    rows[number] = line
    return "\n".join([HEAD, *rows]) + "\n"


#: The file's bytes, the exit code, and words that the message has.
CASES: dict[str, tuple[bytes, int, str]] = {
    "as it was": (WHOLE.encode(), 0, ""),
    "more columns": (("\n".join([f"{HEAD},new", *(f"{row},1" for row in ROWS)]) + "\n").encode(), 0, ""),
    "fewer rows": (("\n".join([HEAD, *ROWS[:5]]) + "\n").encode(), 0, "has 5 rows, the run had 60"),
    "a missing column": (WHOLE.replace("size", "width").encode(), 3, "the column 'size' is missing"),
    "columns swapped": (WHOLE.replace(HEAD, "id,size,kind,count").encode(), 3, "'size' should hold numbers, but holds text"),
    "another type": (with_row(7, "7,b,big,0").encode(), 3, "'size' should hold numbers, but holds text ('big')"),
    "a fraction": (with_row(7, "7,b,1.75,0.5").encode(), 3, "'count' should hold whole numbers"),
    "a decimal comma": (WHOLE.replace(",0.25,", ',"0,25",').encode(), 3, "'size' should hold numbers, but holds text"),
    "a gap": (with_row(7, "7,b,,0").encode(), 3, "'size' has no value in 1 row"),
    "a doubled key": (with_row(7, "6,b,1.75,0").encode(), 3, "'id' should tell rows apart"),
    "an unknown category": (with_row(7, "7,zzz,1.75,0").encode(), 3, "'kind' holds 'zzz' in 1 row, known are 'a', 'b', 'c'"),
    "no bytes": (b"", 3, "data cannot be read as in the run"),
    "no rows": ((HEAD + "\n").encode(), 3, "it has no rows, the run had 60"),
    "no head": (("\n".join(ROWS) + "\n").encode(), 3, "is missing"),
    "another separator": (WHOLE.replace(",", ";").encode(), 3, "is missing"),
    "cut off in a row": (WHOLE.encode()[:-9], 3, ""),
    "a quote that stays open": (with_row(7, '7,"b,1.75,0').encode(), 3, ""),
    "rows too long": (with_row(7, "7,b,1.75,0,9,9,9").encode(), 3, "data cannot be read as in the run"),
    "UTF-16": (WHOLE.encode("utf-16"), 3, "data cannot be read as in the run"),
    "Latin-1": (with_row(7, "7,é,1.75,0").encode("latin-1"), 3, "data cannot be read as in the run"),
    "something else": (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)), 3, ""),
    "compressed": (b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", 3, ""),
}  # fmt: skip

#: Runs the script once for each file, each time in a fork that has its libraries.
DRIVER = """
import os, pathlib, runpy, sys
import joblib, numpy, pandas, pandera.pandas, yaml
script, folder = sys.argv[1], pathlib.Path(sys.argv[2])
for place in sorted(folder.glob("*.csv")):
    pid = os.fork()
    if pid == 0:
        log = os.open(place.with_suffix(".log"), os.O_WRONLY | os.O_CREAT)
        os.dup2(log, 2)
        sys.argv = [script, "run", "--set", f"data_path={place}", "--output-dir", str(place.with_suffix(""))]
        code = 1
        try:
            runpy.run_path(script, run_name="__main__")
        except SystemExit as stop:
            code = stop.code or 0
        finally:
            os._exit(code)
    place.with_suffix(".code").write_text(str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="forks")
def test_corrupt_input_stops_the_script_before_anything_is_written(tmp_path: Path) -> None:
    notebook = Notebook(tmp_path)
    (tmp_path / "data.csv").write_text(WHOLE)
    notebook.run("import pandas as pd\ndata = pd.read_csv('data.csv')")
    notebook.run("mean = float(data['size'].mean() * data['count'].max())")
    run = notebook.save({"mean": "mean"}, datasets=["data"])
    version = export_run(notebook.store, run.run_id, "case", tmp_path / "pipelines")
    assert version.status == "validated", version.report
    place = tmp_path / "corrupt"
    place.mkdir()
    for name, (content, _, _) in CASES.items():
        (place / f"{name}.csv").write_bytes(content)
    command = [sys.executable, "-c", DRIVER, f"{version.path}/pipeline.py", str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    wrong = {}
    for name, (_, expected, words) in CASES.items():
        events = [json.loads(line) for line in (place / f"{name}.log").read_text().splitlines()]
        said = " ".join(event["message"] for event in events if "message" in event)
        code = int((place / f"{name}.code").read_text())
        written = sorted(found.name for found in (place / name).rglob("*") if found.is_file())
        if (
            code != expected
            or words not in said
            or (bool(written) != (expected == 0))
            or "False" in said
            or "<Check" in said
        ):
            wrong[name] = (code, said, written)
    assert not wrong, wrong
