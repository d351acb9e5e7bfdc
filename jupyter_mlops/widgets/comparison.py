"""What `mlops.compare` returns and ``%compare`` shows: runs side by side, wherever it is looked at."""

from __future__ import annotations

import logging
from functools import cached_property
from typing import TYPE_CHECKING, Any

from jupyter_mlops.compare.tables import comparison_text
from jupyter_mlops.compare.wording import run_labels

from .comparison_page import comparison_page
from .curve_widget import curve_widget, widgets_work

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from jupyter_mlops.compare.findings import RunComparison
    from jupyter_mlops.compare.reading import RunStore

log = logging.getLogger(__name__)


class Comparison:
    """A comparison that shows itself and hands out its parts as data frames.

    In a live notebook the page is followed by interactive charts. They are a second output: no front
    end falls back to another form of the same output when a widget's kernel is gone, so the page
    carries a picture of the curves, and hides it only while the charts below are alive.
    """

    def __init__(self, record: RunComparison, store: RunStore | None = None) -> None:
        self.record = record
        self._store = store
        self._labels = run_labels(record.runs)

    def metrics(self) -> pd.DataFrame:
        """One row a metric, one column a run (``#12``), NaN where a run lacks it.

        Further columns: ``best`` (the label of the best run or ""), ``higher_is_better`` and, for
        each run but the reference, ``change #14``.
        """
        rows = {}
        for row in self.record.metrics:
            values: dict[str, Any] = {
                label: row.values.get(run_id, float("nan")) for run_id, label in self._labels.items()
            }
            for run_id, label in self._labels.items():
                if run_id != self.record.reference:
                    values[f"change {label}"] = row.changes.get(run_id, float("nan"))
            values["best"] = self._labels.get(row.best, "")
            values["higher_is_better"] = row.higher_is_better
            rows[row.name] = values
        return _frame(rows, "metric")

    def params(self, *, only_differing: bool = True) -> pd.DataFrame:
        """One row a parameter, one column a run; only those that differ, unless asked for all."""
        rows = {
            row.name: {label: row.values.get(run_id) for run_id, label in self._labels.items()}
            for row in self.record.params
            if row.differs or not only_differing
        }
        return _frame(rows, "param", list(self._labels.values()))

    def comparable(self) -> pd.DataFrame:
        """One row a metric: ``metric``, ``comparable`` (bool) and ``reason``."""
        import pandas as pd

        rows = [(row.name, row.comparable, row.reason) for row in self.record.metrics]
        return pd.DataFrame(rows, columns=["metric", "comparable", "reason"])

    def code(self) -> pd.DataFrame:
        """One row a cell and run: ``run``, ``change``, ``cell``, ``diff`` (unified, one string)."""
        rows = [(self._label(d.run_id), d.change, d.title, "\n".join(d.lines)) for d in self.record.code]
        return self._table(rows, ["run", "change", "cell", "diff"])

    def data(self) -> pd.DataFrame:
        """One row a dataset and run: ``run``, ``name``, ``change``, ``details``."""
        rows = [(self._label(d.run_id), d.name, d.change, "; ".join(d.sentences)) for d in self.record.data]
        return self._table(rows, ["run", "name", "change", "details"])

    def environment(self) -> pd.DataFrame:
        """One row a difference and run: ``run``, ``name``, ``reference``, ``value``."""
        rows = [(self._label(d.run_id), d.name, d.reference, d.value) for d in self.record.environment]
        return self._table(rows, ["run", "name", "reference", "value"])

    def widget(self) -> Any:
        """The interactive charts as an ipywidgets box; None when no run has a curve."""
        return self._widget

    def html(self) -> str:
        """The whole comparison as one self-contained piece of HTML, picture included."""
        return comparison_page(self.record)

    def text(self) -> str:
        """The whole comparison as plain text."""
        return comparison_text(self.record)

    def __repr__(self) -> str:
        return self.text()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {"text/plain": self.text(), "text/html": self.html()}

    def _ipython_display_(self) -> None:
        from IPython.core.display_functions import publish_display_data

        publish: Callable[[dict[str, Any]], None] = publish_display_data

        publish(self._repr_mimebundle_())
        if not widgets_work():
            return
        try:
            box = self._widget
        except Exception:
            log.warning("the interactive charts could not be made", exc_info=True)
            return
        if box is not None:
            # No text beside the widget: where it cannot live, its output is to be empty.
            publish({**box._repr_mimebundle_(), "text/plain": ""})

    @cached_property
    def _widget(self) -> Any:
        return curve_widget(self.record)

    def _label(self, run_id: str) -> str:
        return self._labels.get(run_id, run_id)

    @staticmethod
    def _table(rows: Sequence[tuple[str, ...]], columns: list[str]) -> pd.DataFrame:
        import pandas as pd

        return pd.DataFrame(rows, columns=columns)


def _frame(rows: dict[str, dict[str, Any]], index: str, columns: list[str] | None = None) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(list(rows.values()), index=pd.Index(list(rows), name=index), columns=columns)
