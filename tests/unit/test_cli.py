"""The command line's reading of its arguments and the text it writes."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from jupyter_mlops import cli, records
from jupyter_mlops.export.difference import difference_of_versions
from jupyter_mlops.terminal import (
    printable,
    printable_lines,
    run_text,
    runs_table,
    verdict_text,
    version_difference_text,
)

if TYPE_CHECKING:
    from pathlib import Path

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def summary(number: int, **fields: object) -> records.RunSummary:
    return records.RunSummary(
        run_id=f"id{number}",
        number=number,
        experiment="penguins",
        status=records.Status.FINISHED,
        start_time=START,
        **{"name": "", **fields},  # type: ignore[arg-type]
    )


def version(number: int, path: Path, **fields: object) -> records.PipelineVersion:
    report = records.ValidationReport(
        verdict="rejected",
        cause="accuracy differs.",
        metrics=(records.MetricCheck(name="accuracy", expected=0.5, first=0.25, second=0.25, equal=False),),
    )
    return records.PipelineVersion(
        name="churn",
        version=number,
        path=str(path),
        status="rejected",
        run_id="r",
        created_at=START,
        report=report,
        **fields,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["frobnicate"], "invalid choice"),
        (["runs", "-n", "0"], "less than 1"),
        (["runs", "-n", "many"], "invalid"),
        (["diff", "churn", "one", "2"], "no version"),
        (["export", "last"], "--name"),
        (["compare"], "RUN"),
    ],
)
def test_bad_arguments_end_with_exit_code_2_and_a_reason(
    arguments: list[str], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2
    printed = capsys.readouterr()
    assert word in printed.err
    assert printed.out == ""


def test_no_command_at_all_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    printed = capsys.readouterr()
    for name in (
        "demo",
        "runs",
        "show",
        "compare",
        "export",
        "versions",
        "diff",
        "promote",
        "rollback",
        "doctor",
    ):
        assert f"\n    {name} " in printed.err


def test_the_help_of_a_command_loads_nothing_heavy() -> None:
    program = (
        "import sys\nfrom jupyter_mlops import cli\n"
        "try:\n    cli.main(['runs', '--help'])\nexcept SystemExit:\n    pass\n"
        "print([m for m in ('pandas', 'sqlalchemy', 'altair', 'ipywidgets') if m in sys.modules],"
        " file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_text_from_outside_cannot_steer_the_terminal() -> None:
    assert printable("a\x1b[31mb\x07\nc\u202e") == "a[31mb c"
    assert "\x1b" not in runs_table([summary(1, name="\x1b]0;owned\x07")])


def test_a_list_shows_numbers_names_status_and_the_first_metrics() -> None:
    metrics = {f"m{index}": index / 10 for index in range(6)}
    text = runs_table([summary(14, name="forest", duration=1.25, metrics=metrics)])
    for part in ("#14", "forest", "penguins", "FINISHED", "1.25 s", "m0=0", "m3=0.3", "+2", "id14"):
        assert part in text
    assert "m4" not in text


def test_an_empty_list_says_so() -> None:
    assert runs_table([]) == "No runs."


def test_a_failed_run_says_why() -> None:
    run = records.Run(
        run_id="r",
        experiment="e",
        status=records.Status.FAILED,
        start_time=START,
        number=3,
        failure=records.Failure(kind="ValueError", message="bad\nthing"),
        params={"depth": 3},
        metrics={"loss": float("nan")},
        warnings=(records.RunWarning(code="unseeded_randomness", message="No seed."),),
    )
    text = run_text(run)
    for part in (
        "#3",
        "FAILED",
        "ValueError: bad thing",
        "depth  3",
        "loss  NaN",
        "unseeded_randomness  No seed.",
    ):
        assert part in text


def test_lines_from_outside_stay_lines() -> None:
    assert printable_lines("a\x1b[2J\n\x9bb\n") == "a[2J\nb"


def test_a_rejected_version_names_the_metric_that_differs(tmp_path: Path) -> None:
    text = verdict_text(version(2, tmp_path))
    assert "churn v2: rejected" in text
    assert "accuracy differs." in text
    assert text.splitlines()[-1].split() == ["accuracy", "0.5", "0.25", "0.25", "DIFFERS"]


def test_two_versions_differ_by_their_metrics_and_files(tmp_path: Path) -> None:
    for number, depth in ((1, 2), (2, 8)):
        (tmp_path / f"v{number}").mkdir()
        (tmp_path / f"v{number}" / "config.yaml").write_text(f"depth: {depth}\n")
        (tmp_path / f"v{number}" / "pipeline.py").write_text("print()\n")
    difference = difference_of_versions(
        version(1, tmp_path / "v1", metrics={"accuracy": 0.5}),
        version(2, tmp_path / "v2", metrics={"f1": 0.25}),
    )
    assert [file.path for file in difference.files] == ["config.yaml"]
    assert {"-depth: 2", "+depth: 8"} <= set(difference.files[0].lines)
    assert [(change.name, change.first, change.second) for change in difference.metrics] == [
        ("accuracy", 0.5, None),
        ("f1", None, 0.25),
    ]
    assert "+depth: 8" in version_difference_text(difference)
