"""What people said of metrics: whether higher is better, for every run of the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from jupyter_mlops.errors import UsageError

from .packing import LONGEST_NAME
from .schema import metric_directions, metrics

if TYPE_CHECKING:
    from .database import Database


class Directions:
    """The part of a store that remembers which way a metric is good."""

    _database: Database

    def directions(self) -> dict[str, bool]:
        """By metric, whether higher is better; only what somebody said."""
        with self._database.read() as connection:
            rows = connection.execute(
                sa.select(metric_directions.c.metric, metric_directions.c.higher_is_better)
            )
            return {row.metric: bool(row.higher_is_better) for row in rows}

    def directions_of_code(self) -> dict[str, bool]:
        """By metric, whether higher is better, as the code that scored it says; the newest run decides."""
        newest = sa.func.max(metrics.c.run_id)  # ids grow with time
        query = (
            sa.select(metrics.c.name, metrics.c.higher_is_better)
            .where(metrics.c.higher_is_better.is_not(None))
            .group_by(metrics.c.name, metrics.c.higher_is_better)
            .order_by(newest)
        )
        with self._database.read() as connection:
            return {row.name: bool(row.higher_is_better) for row in connection.execute(query)}

    def set_direction(self, metric: str, higher_is_better: bool | None) -> dict[str, bool]:
        """Remember which way `metric` is good; None forgets it, so that its code or name decides again.

        Returns:
            All that is remembered now.
        """
        if not metric or len(metric) > LONGEST_NAME:
            raise UsageError(f"{metric!r} is no name of a metric.", "Give the name as the run has it.")
        if higher_is_better is not None and not isinstance(higher_is_better, bool):
            raise UsageError(f"{higher_is_better!r} is no direction.", "Give True, False or None.")
        with self._database.write() as connection:
            connection.execute(sa.delete(metric_directions).where(metric_directions.c.metric == metric))
            if higher_is_better is not None:
                row = {"metric": metric, "higher_is_better": higher_is_better}
                connection.execute(sa.insert(metric_directions), [row])
        return self.directions()
