"""The table of ``%runs``: narrow enough to be read, the rest on demand."""

from __future__ import annotations

from sample_runs import sample_run

from jupyter_mlops.notebook.listing import listed
from jupyter_mlops.store import open_store


def test_a_few_columns_are_shown_and_all_when_asked(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'runs.db'}", str(tmp_path))
    for number in (1, 2):
        params = {f"pipeline__step__setting_{index}": index * number for index in range(1, 40)}
        store.save_run(
            sample_run(
                number,
                metrics={f"metric_{index}": index / number for index in range(1, 40)},
                params={**params, "depth": number, "path": f"{number}" * 100, "same": 1},
            )
        )
    frame = store.frame()
    table, left_out = listed(frame, by="metric_30")
    assert list(table)[:2] == ["name", "metric_30"]
    assert len(table.columns) <= 12
    assert {"depth", "path", "setting_1"} <= set(table)
    assert max(table["path"].str.len()) == 32
    assert left_out == 39 + 41 - 8
    everything, left_out = listed(frame, wide=True)
    assert left_out == 0
    assert len(everything.columns) == len(table.columns) - 8 + 39 + 41
    assert "pipeline__step__setting_7" in everything
    assert "same" not in everything


def test_ends_that_are_alike_stay_whole(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'runs.db'}", str(tmp_path))
    for number in (1, 2):
        params = {"one__depth": number, "two__depth": number, "rate_": number}
        store.save_run(sample_run(number, params=params))
    table, _ = listed(store.frame())
    assert {"one__depth", "two__depth", "rate_"} <= set(table)
