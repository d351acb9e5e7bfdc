"""Pipelines over HTTP: their versions, their scripts and the aliases that move between them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mlops.errors import ArtifactError, PipelineNotFoundError

from .contract import DifferenceQuery, MoveAlias, Pipeline, PipelineList, RollbackAlias, Script, VersionList
from .handler import MlopsHandler, serves

if TYPE_CHECKING:
    from jupyter_mlops.records import AliasMove, PipelineVersion, VersionDifference

SCRIPT = "pipeline.py"
MAX_SCRIPT_BYTES = 2_000_000


class PipelinesHandler(MlopsHandler):
    """Every pipeline."""

    @serves("list_pipelines")
    def get(self) -> PipelineList:
        """Each with its versions, aliases and the log of their moves."""
        by_name: dict[str, list[PipelineVersion]] = {}
        for version in self.services.store.versions():
            by_name.setdefault(version.name, []).append(version)
        return PipelineList(pipelines=tuple(self._pipeline(name, by_name[name]) for name in sorted(by_name)))

    def _pipeline(self, name: str, versions: list[PipelineVersion]) -> Pipeline:
        log = self.services.store.alias_log(name)
        return Pipeline(
            name=name,
            versions=tuple(self.services.on_wire(version) for version in newest_first(versions)),
            aliases={alias: version.version for version in versions for alias in version.aliases},
            log=tuple(sorted(log, key=lambda move: move.moved_at, reverse=True)),
            rollbacks=self.services.store.rollback_targets(name),
            protected=self.services.store.all_protected_slices(name),
        )


class VersionsHandler(MlopsHandler):
    """The versions of one pipeline."""

    @serves("list_versions")
    def get(self, pipeline: str) -> VersionList:
        """Newest first, each with what is no longer as it was exported."""
        from jupyter_mlops.export import with_changes

        versions = [with_changes(version) for version in self.services.store.versions(pipeline)]
        if not versions:
            raise PipelineNotFoundError(f"There is no pipeline {pipeline!r}.")
        return VersionList(
            versions=tuple(self.services.on_wire(version) for version in newest_first(versions))
        )


class ScriptHandler(MlopsHandler):
    """The script of one version."""

    @serves("get_script")
    def get(self, pipeline: str, version: str) -> Script:
        """Its source, read from the folder the registry knows; never from one a caller names."""
        found = self.services.store.get_version(pipeline, int(version))
        path = Path(found.path) / SCRIPT
        if path.is_symlink() or not path.is_file():
            raise ArtifactError(
                f"{pipeline} v{version} has no script at {path}.",
                "The folder was moved or deleted: export the run again.",
            )
        if path.stat().st_size > MAX_SCRIPT_BYTES:
            raise ArtifactError(f"The script {path} is too large to show.", "Open it in an editor.")
        source = path.read_text(encoding="utf-8", errors="replace")
        return Script(path=str(path), source=source, contents_path=self.services.contents_path(path))


class DifferenceHandler(MlopsHandler):
    """One version against another."""

    @serves("compare_versions")
    def get(self, request: DifferenceQuery, pipeline: str, version: str) -> VersionDifference:
        """What changed since the earlier one, in the order in which causes are looked for."""
        from jupyter_mlops.export.difference import difference_of_versions

        store = self.services.store
        earlier = store.get_version(pipeline, request.since)
        return difference_of_versions(earlier, store.get_version(pipeline, int(version)))


class AliasesHandler(MlopsHandler):
    """The aliases of one pipeline."""

    @serves("move_alias")
    def post(self, request: MoveAlias, pipeline: str) -> AliasMove:
        """Move one, unless somebody else moved it first."""
        from jupyter_mlops.compare import higher_is_better
        from jupyter_mlops.compare.comparability import judge_pair
        from jupyter_mlops.compare.slices import slice_score
        from jupyter_mlops.export import promote_version

        store = self.services.store
        options: dict[str, Any] = {"reason": request.reason}
        if request.expected is not msgspec.UNSET:
            options["expected"] = request.expected
        if request.version is None:
            move = store.move_alias(pipeline, request.alias, None, **options)
            store.protect_slices(pipeline, request.alias, request.protect, request.unprotect)
            return move
        return promote_version(
            store,
            pipeline,
            request.version,
            request.alias,
            direction=higher_is_better,
            apart=judge_pair,
            score=lambda run, condition: slice_score(run, condition, store.get_artifact),
            force=request.force,
            protect=request.protect,
            unprotect=request.unprotect,
            **options,
        )


class RollbackHandler(MlopsHandler):
    """The way back."""

    @serves("rollback_alias")
    def post(self, request: RollbackAlias, pipeline: str) -> AliasMove:
        """Move an alias to where it stood before."""
        return self.services.store.rollback_alias(pipeline, request.alias)


def newest_first(versions: list[PipelineVersion]) -> list[PipelineVersion]:
    """Sort by version number, highest first."""
    return sorted(versions, key=lambda version: version.version, reverse=True)


HANDLERS = (
    PipelinesHandler,
    VersionsHandler,
    ScriptHandler,
    DifferenceHandler,
    AliasesHandler,
    RollbackHandler,
)
