"""Exports over HTTP: start one, ask how it stands."""

from __future__ import annotations

import keyword
from typing import TYPE_CHECKING

from jupyter_mlops.errors import PipelineNameError

from .handler import MlopsHandler, serves

if TYPE_CHECKING:
    from .contract import CreateExport, ExportJob


class ExportsHandler(MlopsHandler):
    """All exports."""

    @serves("create_export")
    def post(self, request: CreateExport) -> ExportJob:
        """Queue one; bad input is refused here, before anything runs."""
        if not request.name.isidentifier() or keyword.iskeyword(request.name):
            raise PipelineNameError(f"{request.name!r} cannot name a pipeline.")
        services = self.services
        run = services.store.get_run(request.run_id)
        if request.directory is None:
            directory = services.default_export_folder(run)
        else:
            directory = services.folder_inside_root(request.directory)
        return services.exports.submit(
            services.store, run.run_id, request.name, directory, environment=request.environment
        )


class ExportHandler(MlopsHandler):
    """One export."""

    @serves("get_export")
    def get(self, job_id: str) -> ExportJob:
        """How it stands."""
        return self.services.exports.get(job_id)


HANDLERS = (ExportsHandler, ExportHandler)
