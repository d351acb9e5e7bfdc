"""A long list of runs surveyed over HTTP: its groups, the names to filter by, its curves drawn small."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mlops.compare.directions import known_direction
from jupyter_mlops.errors import MetricNotFoundError, RunNotFoundError

from .contract import (
    FieldList,
    GroupList,
    GroupsQuery,
    RunGroup,
    Sparkline,
    SparklineList,
    SparklinesQuery,
    ValueList,
    ValuesQuery,
)
from .handler import MlopsHandler, serves

if TYPE_CHECKING:
    from collections.abc import Sequence


class GroupsHandler(MlopsHandler):
    """The runs a filter finds, in groups."""

    @serves("list_groups")
    def get(self, request: GroupsQuery) -> GroupList:
        """Count them by the values of a field."""
        store = self.services.store
        revision = store.revision()
        found = store.groups(
            request.by,
            request.filter,
            experiment=request.experiment,
            include_children=request.include_children,
        )
        return GroupList(
            groups=tuple(RunGroup(value=value, count=count) for value, count in found), revision=revision
        )


class FieldsHandler(MlopsHandler):
    """The names of metrics, params and tags."""

    @serves("list_fields")
    def get(self) -> FieldList:
        """All there are."""
        store = self.services.store
        names = store.field_names()
        known = {**store.directions_of_code(), **store.directions()}
        return FieldList(
            metrics=tuple(names.metrics),
            params=tuple(names.params),
            tags=tuple(names.tags),
            lower_is_better=tuple(
                metric for metric in names.metrics if known_direction(metric, (), known)[0] is False
            ),
        )


class ValuesHandler(MlopsHandler):
    """The values of one field."""

    @serves("list_values")
    def get(self, request: ValuesQuery) -> ValueList:
        """Those most runs have first."""
        return ValueList(values=tuple(self.services.store.field_values(request.field)))


class SparklinesHandler(MlopsHandler):
    """Curves drawn small beside the runs of a list."""

    @serves("list_sparklines")
    def get(self, request: SparklinesQuery) -> SparklineList:
        """One of each run that has any; a run that has gone in the meantime is left out."""
        store = self.services.store
        found = []
        for run_id in dict.fromkeys(request.run_id):
            try:
                names = store.get_summary(run_id).curves
                if names:
                    values = thinned(store.get_curve(run_id, names[0]).values, request.points)
                    found.append(Sparkline(run_id=run_id, metric=names[0], values=tuple(values)))
            except (MetricNotFoundError, RunNotFoundError):
                continue
        return SparklineList(sparklines=tuple(found))


def thinned(values: Sequence[float], most: int) -> list[float]:
    """At most `most` of the values, evenly spaced, the first and the last among them."""
    if len(values) <= most:
        return list(values)
    return [values[round(index * (len(values) - 1) / (most - 1))] for index in range(most)]


HANDLERS = (GroupsHandler, FieldsHandler, ValuesHandler, SparklinesHandler)
