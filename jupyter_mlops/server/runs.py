"""Runs over HTTP: the list the panel shows, one run with its curves and files, edits, deletion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mlops.compare.reading import direction_in
from jupyter_mlops.errors import ArtifactError

from .contract import BestQuery, BestRun, Done, EditRun, File, RunCell, RunList, RunNotebook, RunsQuery
from .handler import MlopsHandler, serves

if TYPE_CHECKING:
    from jupyter_mlops.records import Curve, Run, RunSummary


class RunsHandler(MlopsHandler):
    """The runs a filter finds."""

    @serves("list_runs")
    def get(self, request: RunsQuery) -> RunList:
        """List them, or say that nothing changed since the revision the caller has."""
        store = self.services.store
        # read before the runs: what is written in between shows up at the next poll
        revision = store.revision()
        if request.since == revision:
            return RunList(runs=(), count=0, revision=revision, unchanged=True)
        runs = store.search(
            request.filter,
            order_by=list(request.order_by) or None,
            max_results=request.limit,
            offset=request.offset,
            experiment=request.experiment,
            include_children=request.include_children,
            parent_id=request.parent_id,
        )
        count = request.offset + len(runs)
        # A page that is not full is the last one: nothing is left to be counted.
        if len(runs) == request.limit or (request.offset and not runs):
            count = store.count(
                request.filter,
                experiment=request.experiment,
                include_children=request.include_children,
                parent_id=request.parent_id,
            )
        return RunList(
            runs=tuple(runs),
            count=count,
            revision=revision,
            experiments=tuple(store.experiments()),
        )


class BestHandler(MlopsHandler):
    """The best of the runs a filter finds."""

    @serves("get_best")
    def get(self, request: BestQuery) -> BestRun:
        """It, and those with better numbers that are no comparison for it."""
        store = self.services.store
        best = store.find_best(
            request.metric, request.filter, experiment=request.experiment, direction=direction_in(store)
        )
        return BestRun(
            run=store.get_summary(best.run_id),
            passed_over=tuple(store.get_summary(run_id) for run_id in best.passed_over),
        )


class RunHandler(MlopsHandler):
    """One run."""

    @serves("get_run")
    def get(self, run_id: str) -> Run:
        """Everything about it."""
        return self.services.store.get_run(run_id)

    @serves("edit_run")
    def patch(self, request: EditRun, run_id: str) -> RunSummary:
        """Change its name, note or tags."""
        return self.services.store.edit_run(run_id, name=request.name, note=request.note, tags=request.tags)

    @serves("delete_run")
    def delete(self, run_id: str) -> Done:
        """Hide it; `RestoreHandler` brings it back."""
        self.services.store.delete_run(run_id)
        return Done()


class RestoreHandler(MlopsHandler):
    """A deleted run."""

    @serves("restore_run")
    def post(self, run_id: str) -> RunSummary:
        """Bring it back."""
        self.services.store.restore_run(run_id)
        return self.services.store.get_summary(run_id)


class CurveHandler(MlopsHandler):
    """A metric over the steps of a run."""

    @serves("get_curve")
    def get(self, run_id: str, metric: str) -> Curve:
        """The whole curve, as it was kept."""
        return self.services.store.get_curve(run_id, metric)


class ArtifactHandler(MlopsHandler):
    """A file of a run, found by its digest: no name from outside ever becomes a path."""

    @serves("get_artifact")
    def get(self, run_id: str, digest: str) -> File:
        """Its bytes, to be saved and not shown."""
        store = self.services.store
        run = store.get_run(run_id)
        for artifact in run.artifacts:
            if artifact.digest == digest:
                name = artifact.path.replace("\\", "/").rpartition("/")[2] or digest
                return File(store.get_artifact(digest), artifact.media_type, name)
        for model in run.models:
            if model.digest == digest:
                return File(store.get_artifact(digest), "application/octet-stream", model.name)
        raise ArtifactError(f"Run {run_id} has no file {digest[:12]}….", "Look at the run's artifacts.")


class CellHandler(MlopsHandler):
    """Where a run came from."""

    @serves("get_cell")
    def get(self, run_id: str) -> RunCell:
        """Its notebook and cell."""
        run = self.services.store.get_run(run_id)
        return RunCell(
            contents_path=self.services.notebook_path(run),
            notebook=run.notebook,
            cell_id=run.cell_id,
            source=run.source,
        )


class NotebookHandler(MlopsHandler):
    """A run as a notebook."""

    @serves("get_notebook")
    def get(self, run_id: str) -> RunNotebook:
        """The cells it stands on, in the order they ran, and where such a notebook belongs."""
        from jupyter_mlops.export import open_as_notebook

        store = self.services.store
        folder = self.services.folder_of_run(store.get_run(run_id)).relative_to(self.services.root)
        return RunNotebook(
            content=open_as_notebook(store, run_id),
            contents_folder="/".join(folder.parts),
        )


HANDLERS = (
    RunsHandler,
    BestHandler,
    RunHandler,
    RestoreHandler,
    CurveHandler,
    ArtifactHandler,
    CellHandler,
    NotebookHandler,
)
