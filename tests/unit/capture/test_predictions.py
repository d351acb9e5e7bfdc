"""The tables behind scoring calls: what is in them, what shares one, what is left out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from observing import Notebook

from jupyter_mlops.capture.fingerprint import fingerprint
from jupyter_mlops.capture.predictions import PredictionTables, columns_of, labels_of, pack_table
from jupyter_mlops.compare.predictions import read_table

SETUP = """
import numpy as np, pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score, log_loss, r2_score
rng = np.random.default_rng(0)
X = pd.DataFrame({"a": rng.normal(size=60), "b": rng.normal(size=60)}, index=range(100, 160))
y = pd.Series((X["a"] + rng.normal(size=60) > 0).astype(int))
model = LogisticRegression().fit(X, y)
"""


def tables_of(code: str, **limits: int) -> tuple[PredictionTables, dict[str, str], Notebook]:
    """The tables of a cell that runs after `SETUP`, and each scoring call's by the name it is bound to."""
    notebook = Notebook()
    notebook.run(SETUP)
    notebook.run(code)
    events = notebook.probe.events
    options = {"limit": 10**7, "features_limit": 10**7, **limits}
    tables = PredictionTables(events, known={}, fingerprint=fingerprint, **options)
    digests = {
        event.site.target or event.site.function: tables.of(event).predictions
        for event in events
        if event.site.kind == "call"
    }
    return tables, digests, notebook


def table(tables: PredictionTables, digest: str) -> pd.DataFrame:
    return read_table(tables.artifacts[digest][1])


@pytest.mark.parametrize(
    "code",
    [
        "p = model.predict(X)\nacc = accuracy_score(y, p)\nauc = roc_auc_score(y, model.predict_proba(X)[:, 1])",
        "acc = accuracy_score(y, model.predict(X))\nq = model.predict_proba(X)[:, 1]\nauc = roc_auc_score(y, q)",
        "acc = accuracy_score(y_true=y, y_pred=model.predict(X))\nauc = roc_auc_score(y, y_score=PROBA)",
        "acc = accuracy_score(model.predict(X), y)\nauc = roc_auc_score(y, model.predict_proba(X)[:, 1])",
    ],
)
def test_the_scores_of_one_model_share_a_table(code: str) -> None:
    tables, digests, notebook = tables_of(code.replace("PROBA", "model.predict_proba(X)[:, 1]"))
    assert digests["acc"] == digests["auc"] != ""
    found = table(tables, digests["acc"])
    model, X, y = (notebook.space[name] for name in ("model", "X", "y"))
    assert list(found) == ["y_true", "y_pred", "y_score"]
    assert list(found.index) == list(range(100, 160))
    assert found["y_true"].tolist() == y.tolist()
    assert found["y_pred"].tolist() == model.predict(X).tolist()
    assert found["y_score"].tolist() == model.predict_proba(X)[:, 1].tolist()


def test_a_refitted_model_has_a_table_of_its_own() -> None:
    tables, digests, _ = tables_of(
        "one = accuracy_score(y, model.predict(X))\n"
        "model.set_params(C=1e-6).fit(X, 1 - y)\n"
        "two = accuracy_score(y, model.predict(X))\n"
    )
    assert digests["one"] != digests["two"]
    first, second = (table(tables, digests[name]) for name in ("one", "two"))
    assert (first["y_pred"] == first["y_true"]).mean() > 0.5 > (second["y_pred"] == second["y_true"]).mean()


def test_the_rows_that_were_predicted_are_kept_beside() -> None:
    tables, _, notebook = tables_of("acc = accuracy_score(y, model.predict(X))")
    (call,) = [event for event in notebook.probe.events if event.site.kind == "call"]
    kept = tables.of(call)
    assert (kept.features_name, kept.model) == ("X", "model")
    assert kept.features_fingerprint == fingerprint(notebook.space["X"])
    pd.testing.assert_frame_equal(table(tables, kept.features), notebook.space["X"], check_index_type=False)


def test_scores_of_every_class_are_named_after_it() -> None:
    tables, digests, _ = tables_of(
        "three = pd.Series(np.where(X['a'] > 1, 'high', np.where(X['a'] < -1, 'low', 'mid')))\n"
        "m = LogisticRegression().fit(X, three)\n"
        "loss = log_loss(three, m.predict_proba(X))\n"
    )
    found = table(tables, digests["loss"])
    assert list(found) == ["y_true", "y_score_high", "y_score_low", "y_score_mid"]
    assert set(found["y_true"]) == {"high", "low", "mid"}


def test_plain_lists_and_own_functions_count() -> None:
    tables, digests, _ = tables_of(
        "def my_accuracy(true, guess):\n    return sum(t == g for t, g in zip(true, guess)) / len(true)\n"
        "acc = my_accuracy(['a', 'b', 'a'], ['a', 'b', 'b'])\n"
    )
    assert table(tables, digests["acc"])["y_pred"].tolist() == ["a", "b", "b"]


def test_a_score_without_a_prediction_keeps_none() -> None:
    tables, digests, _ = tables_of("own = model.score(X, y)")
    assert digests == {"own": ""}
    assert not tables.artifacts


def test_what_is_too_large_is_said_and_not_kept() -> None:
    tables, digests, _ = tables_of("acc = accuracy_score(y, model.predict(X))", limit=100)
    assert digests["acc"] == ""
    (note,) = tables.notes()
    assert note.code == "predictions_not_kept"
    tables, digests, _ = tables_of("acc = accuracy_score(y, model.predict(X))", features_limit=0)
    assert [made.kind for made, _ in tables.artifacts.values()] == ["predictions"]


def test_the_same_content_gives_the_same_bytes() -> None:
    code = "acc = accuracy_score(y, model.predict(X))"
    assert tables_of(code)[1] == tables_of(code)[1]


def test_columns_of_every_kind_come_back() -> None:
    frame = pd.DataFrame(
        {
            "float": [1.5, np.nan, 3.0],
            "text": ["a", None, "ü"],
            "category": pd.Categorical(["x", "y", None]),
            "nullable": pd.array([1, None, 3], dtype="Int64"),
            "flag": [True, False, True],
            "time": pd.to_datetime(["2026-01-01", None, "2026-01-03"]),
            "zoned": pd.to_datetime(["2026-01-01", "2026-01-02", "2026-01-03"]).tz_localize("Europe/Berlin"),
        },
        index=pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)], names=["site", "visit"]),
    )
    data = pack_table(columns_of(frame, 10**6) or [], labels_of(frame))
    assert data is not None
    found = read_table(data)
    assert list(found) == list(frame)
    assert found.index.names == ["site", "visit"]
    assert found.index.tolist() == frame.index.tolist()
    assert found["float"].tolist()[::2] == [1.5, 3.0]
    assert [None if pd.isna(value) else value for value in found["text"]] == ["a", None, "ü"]
    assert [None if pd.isna(value) else value for value in found["category"]] == ["x", "y", None]
    assert [None if pd.isna(value) else value for value in found["nullable"]] == [1, None, 3]
    assert found["time"].isna().tolist() == [False, True, False]
    assert found["zoned"].iloc[0] == pd.Timestamp("2025-12-31 23:00")


def test_objects_are_left_alone() -> None:
    frame = pd.DataFrame({"a": [object(), object()]})
    assert pack_table(columns_of(frame, 10**6) or [], None) is None
