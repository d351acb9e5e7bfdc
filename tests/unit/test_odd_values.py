"""One run with odd values must not keep all others from being listed, shown and compared."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

import jupyter_mlops as mlops
from jupyter_mlops import cli
from jupyter_mlops.config import ARTIFACTS_VARIABLE, STORE_VARIABLE
from jupyter_mlops.records import Curve, Run, Status, as_json, new_id, now, within_floats
from jupyter_mlops.store import open_store
from jupyter_mlops.widgets.run_card import RunCard

if TYPE_CHECKING:
    from pathlib import Path

HUGE = 10**5000
CURVE = Curve(steps=[0, 1], values=[float("inf"), 1.0], times=[0.0, 0.1], count=2)


def run(number: int, **fields: Any) -> Run:
    return Run(
        run_id=new_id(),
        number=number,
        experiment="odd",
        status=Status.FINISHED,
        start_time=now(),
        duration=1.0,
        curves=("loss",),
        source="x = 1\n",
        **fields,
    )


ODD = [
    {"params": {"lr": 0.1}, "metrics": {"loss": 0.5, "acc": 1}, "tags": {"a": "b"}},
    {"params": {"lr": HUGE}, "metrics": {"loss": HUGE, "acc": -HUGE}, "tags": {"half \ud800": "\ud800"}},
    {"params": {"lr": "\ud800\0"}, "metrics": {"loss": 0.25, "half \ud800": 2**63}, "name": "half \ud800"},
    {"params": {"lr": -0.0}, "metrics": {"loss": float("nan"), "acc": float("-inf")}, "note": "\u202eabc"},
]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Run]]:
    folder = tmp_path_factory.mktemp("odd")
    with closing(open_store(f"sqlite:///{folder / 'runs.db'}", str(folder / "artifacts"))) as store:
        made = [
            store.save_run(run(index + 1, **odd), curves={"loss": CURVE}) for index, odd in enumerate(ODD)
        ]
    return folder, made


@pytest.fixture
def _here(runs: tuple[Path, list[Run]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STORE_VARIABLE, f"sqlite:///{runs[0] / 'runs.db'}")
    monkeypatch.delenv(ARTIFACTS_VARIABLE, raising=False)


@pytest.mark.usefixtures("_here")
@pytest.mark.parametrize(
    "command",
    [
        ["runs", "--filter", "metrics.loss > 0.1"],
        ["show", "#2"],
        ["show", "#3"],
        ["compare", "#1", "#2", "#3", "#4"],
        ["compare", "#2", "#1"],
    ],
)
def test_the_terminal_shows_them(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(command) == 0
    assert capsys.readouterr().out.encode()
    assert cli.main([*command, "--json"]) == 0
    json.loads(capsys.readouterr().out, parse_constant=pytest.fail)


@pytest.mark.usefixtures("_here")
def test_python_gives_them_as_they_are() -> None:
    frame = mlops.search_runs(order_by=["number"])
    assert frame["metrics.loss"].tolist()[1] == HUGE
    assert frame["tags.half \ud800"].tolist()[1] == "\ud800"
    assert frame["params.lr"].tolist()[2] == "\ud800\0"
    assert mlops.get_run("#2").metrics == {"loss": HUGE, "acc": -HUGE}
    assert repr(mlops.compare("#1", "#2", "#3", "#4")).encode()


def test_a_card_shows_them(runs: tuple[Path, list[Run]]) -> None:
    for previous, made in zip([None, *runs[1]], [*runs[1], runs[1][0]], strict=True):
        card = RunCard(made, previous, {"loss": HUGE}, {"loss": CURVE})
        assert card.html().encode()
        assert card.text().encode()


def test_json_has_all_digits(runs: tuple[Path, list[Run]]) -> None:
    told = as_json(runs[1][1])
    assert told["metrics"] == {"loss": "1" + "0" * 5000, "acc": "-1" + "0" * 5000}
    assert within_floats(runs[1][1]).metrics == {"loss": float("inf"), "acc": float("-inf")}
    assert within_floats(runs[1][0]) is runs[1][0]
