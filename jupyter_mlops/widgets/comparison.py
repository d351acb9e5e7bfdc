"""What `mlops.compare` returns and ``%compare`` shows: runs side by side, wherever it is looked at."""

from __future__ import annotations

import logging
import uuid
from functools import cached_property
from typing import TYPE_CHECKING, Any

from jupyter_mlops.compare.tables import comparison_text
from jupyter_mlops.compare.wording import run_labels
from jupyter_mlops.errors import MlopsError, UsageError

from .comparison_page import comparison_page
from .comparison_widget import comparison_widget
from .curve_widget import widgets_work

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from jupyter_mlops.compare.findings import RunComparison
    from jupyter_mlops.compare.reading import RunStore

log = logging.getLogger(__name__)

_FIGURE_BYTES = 600_000


class Comparison:
    """A comparison that shows itself and hands out its parts as data frames.

    In a live notebook the page is followed by interactive charts. They are a second output: no front
    end falls back to another form of the same output when a widget's kernel is gone, so the page
    carries a picture of the curves, and hides it only while the charts below are alive.
    """

    def __init__(self, record: RunComparison, store: RunStore | None = None) -> None:
        self.record = record
        self._store = store
        self._shown_as: dict[str, str] | None = None
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

    def losses(self) -> pd.DataFrame:
        """One row a slice and run, with its ``query``, ``rows``, both scores, ``change`` and ``sure``."""
        rows = [
            (self._label(found.run_id), s.name, s.query, s.rows, s.reference, s.run, s.change, s.sure)
            for found in self.record.losses
            for s in found.slices
        ]
        columns = ["run", "slice", "query", "rows", "reference", "score", "change", "sure"]
        return self._table(rows, columns)

    def examples(self, query: str = "", run: str | None = None, n: int = 20) -> pd.DataFrame:
        """Rows that the reference and a run both predicted, the most telling first.

        Args:
            query: A condition such as ``"age > 60 and not run_right"``; `losses` has some.
            run: The label of the run (``#14``); default: the first that kept predictions.
            n: How many rows at most.

        Raises:
            UsageError: The runs kept no predictions of the same rows.
            FilterError: The condition is not understood.
        """
        from jupyter_mlops.compare.reading import examples_stored

        wanted = (None, *(key for key, label in self._labels.items() if run in (key, label)))
        chosen = next((found for found in self.record.losses if run is None or found.run_id in wanted), None)
        if chosen is None or self._store is None:
            raise UsageError(
                "These runs kept no predictions of the same rows.",
                "Predictions are kept when a cell scores what a model predicted.",
            )
        found = examples_stored(
            self._store, self.record.reference, chosen.run_id, chosen.metric, query, limit=n
        )
        return self._table(found.rows, list(found.columns))

    def seeds(self) -> pd.DataFrame:
        """One row a metric and group of runs that differ by seed only: ``n``, ``mean``, ``low``, ``high``."""
        rows = [
            (group.name, ", ".join(map(self._label, group.run_ids)), s.metric, s.count, s.mean, s.low, s.high)
            for group in self.record.groups
            for s in group.spreads
        ]
        return self._table(rows, ["group", "runs", "metric", "n", "mean", "low", "high"])

    def against(self, reference: str) -> Comparison:
        """The same runs, held against another one: a label (``#14``) or a run_id.

        Raises:
            UsageError: It is not among the compared runs.
        """
        from jupyter_mlops.compare.reading import compare_stored

        run_ids = [run.run_id for run in self.record.runs]
        by_label = {label: run_id for run_id, label in self._labels.items()}
        chosen = by_label.get(reference, reference)
        if chosen not in run_ids or self._store is None:
            raise UsageError(f"{reference!r} is not among these runs.", f"There are: {', '.join(by_label)}.")
        return Comparison(compare_stored(self._store, run_ids, chosen), self._store)

    def widget(self) -> Any:
        """The live controls and charts as an ipywidgets box; None when there is nothing to show live."""
        return self._widget

    def html(self) -> str:
        """The whole comparison as one self-contained piece of HTML, picture included."""
        return comparison_page(self.record, self._figures())

    def text(self) -> str:
        """The whole comparison as plain text."""
        return comparison_text(self.record)

    def __repr__(self) -> str:
        return self.text()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {"text/plain": self.text(), "text/html": self.html()}

    def _ipython_display_(self) -> None:
        from IPython.core.display_functions import publish_display_data

        publish: Callable[..., None] = publish_display_data

        if not widgets_work():
            publish(self._repr_mimebundle_())
            return
        # So that the page can be shown anew, in its place, when another reference is chosen.
        self._shown_as = {"display_id": uuid.uuid4().hex}
        publish(self._repr_mimebundle_(), transient=self._shown_as)
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
        return comparison_widget(self.record, self._choose if self._store is not None else None)

    def _choose(self, reference: str) -> RunComparison:
        """Hold the runs against another one, in the page above too."""
        from IPython.core.display_functions import publish_display_data

        self.record = self.against(reference).record
        if self._shown_as is not None:
            republish: Callable[..., None] = publish_display_data
            republish(self._repr_mimebundle_(), transient=self._shown_as, update=True)
        return self.record

    def _figures(self) -> dict[str, bytes]:
        """The figures that a page may carry: a notebook is to stay a file one can open."""
        figures: dict[str, bytes] = {}
        if self._store is None:
            return figures
        left = _FIGURE_BYTES
        for row in self.record.figures:
            for artifact in row.figures.values():
                if artifact.digest in figures or artifact.size > left:
                    continue
                try:
                    figures[artifact.digest] = self._store.get_artifact(artifact.digest)
                except MlopsError:
                    continue  # the page says where it was
                left -= artifact.size
        return figures

    def _label(self, run_id: str) -> str:
        return self._labels.get(run_id, run_id)

    @staticmethod
    def _table(rows: Sequence[tuple[Any, ...]], columns: list[str]) -> pd.DataFrame:
        import pandas as pd

        return pd.DataFrame(rows, columns=columns)


def _frame(rows: dict[str, dict[str, Any]], index: str, columns: list[str] | None = None) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(list(rows.values()), index=pd.Index(list(rows), name=index), columns=columns)
