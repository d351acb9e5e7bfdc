"""Tables of metrics that are told in one line."""

from __future__ import annotations

import pandas as pd
import pytest

from jupyter_mlops.export.plan import Site
from jupyter_mlops.export.script.pipeline_runner import Metrics, joined, told_by
from jupyter_mlops.export.tables import Table, as_table


def sites_of(metrics: dict[str, tuple[str | int, ...]]) -> list[Site]:
    return [Site(name, None, None, "shown", path) for name, path in metrics.items()]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("metrics", "texts", "table"),
    [
        (
            {
                "ridge.rmse": ("rmse", 0),
                "lasso.rmse": ("rmse", 1),
                "ridge.r2": ("r2", 0),
                "lasso.r2": ("r2", 1),
            },
            ["ridge", "lasso"],
            Table("", ["ridge", "lasso"], ["rmse", "r2"]),
        ),
        (
            {"scores.Naive_Bayes.F1": ("F1 ", 0), "scores.bayes_sigmoid.f1": ("F1 ", 2)},
            ["Naive Bayes", "Bayes + Sigmoid"],
            Table("scores", {0: "Naive Bayes", 2: "Bayes + Sigmoid"}, ["F1 "]),
        ),
        ({"f1": ("F1 ", 3), "Log_loss": ("Log loss", 3)}, [], Table("", {3: ""}, ["F1 ", "Log loss"])),
        ({"a.rmse": ("rmse", 0), "b.rmse": ("rmse", 1), "a.r2": ("r2", 0)}, [], None),
        ({"best": ("rmse", 0), "worst": ("rmse", 1)}, [], None),
        ({"a.b": ("b", "a"), "a.c": ("c", "a")}, [], None),
    ],
)
def test_cells_of_a_table_are_told_at_once_if_their_names_follow(
    metrics: dict[str, tuple[str | int, ...]], texts: list[str], table: Table | None
) -> None:
    found = as_table(sites_of(metrics), texts)
    if table is None:
        assert found is None
        return
    assert found is not None
    assert (found.name, found.columns) == (table.name, table.columns)
    frame = pd.DataFrame({column: [f"{column}{row}" for row in range(4)] for column in table.columns})
    kept = Metrics()
    eval(f"kept.take_rows({found.arguments('frame')})", {"kept": kept, "frame": frame})
    assert kept == {name: f"{column}{row}" for name, (column, row) in metrics.items()}


def test_rows_told_by_their_numbers_go_by_their_columns() -> None:
    frame = pd.DataFrame({"depth": [2, 3, 2], "rate": [0.1, 0.1, 0.25], "score": [0.5, 0.7, 0.6]})
    told = ["depth_2_rate_0.1", "depth_3_rate_0.1", "depth_2_rate_0.25"]
    metrics = {f"frame.{label}.score": ("score", row) for row, label in enumerate(told)}
    found = as_table(sites_of(metrics), ["rate", "score", "depth", "other"])
    assert found is not None
    assert (found.name, found.by) == ("frame", ("depth", "rate"))
    columns = {name: list(frame[name]) for name in frame}
    for table in (frame, frame.set_index("depth"), frame.set_index(["rate", "depth"])):
        kept = Metrics()
        eval(f"kept.take_rows({found.arguments('table')})", {"kept": kept, "table": table})
        assert kept == dict(zip(metrics, [0.5, 0.7, 0.6], strict=True))
    assert told_by(columns, "depth") == [2, 3, 2]


def test_names_are_those_that_the_capture_gives() -> None:
    from jupyter_mlops.capture.metric_names import join

    for words in [
        ("score_df", "Naive Bayes + Isotonic", "Brier  loss"),
        ("", "Random Forest", "Score"),
        ("", "macro avg", "f1-score"),
        ("", "k=3 (cosine)", "R²"),
        ("t", "AUC", "mean"),
    ]:
        assert joined(*words) == join(words[0], words[1:])


def test_noted_values_are_told_by_their_places() -> None:
    kept = Metrics()
    for value in (3, 5, 7):
        kept.note("score", value)
    kept.tell("score", {"first": 0, "last": -1})
    assert kept == {"first": 3, "last": 7}
    kept.tell("score", ["a", "b", "c"])
    assert (kept["a"], kept["b"], kept["c"]) == (3, 5, 7)
    assert (kept.keep("d", 9), kept["d"]) == (9, 9)
