"""The server extension's application: it builds the services once and hands them to the handlers."""

from __future__ import annotations

import os
from pathlib import Path

from jupyter_server.extension.application import ExtensionApp

from jupyter_mlops.config import ARTIFACTS_VARIABLE, STORE_VARIABLE, load_config

from . import comparison, exports, overview, pipelines, runs, status
from .handler import MlopsHandler, route
from .services import Services

HANDLERS: tuple[type[MlopsHandler], ...] = (
    *overview.HANDLERS,
    *runs.HANDLERS,
    *comparison.HANDLERS,
    *exports.HANDLERS,
    *pipelines.HANDLERS,
    *status.HANDLERS,
)


class MlopsApp(ExtensionApp):
    """Serves the store of the project the server was started in."""

    name = "jupyter_mlops"
    extension_url = "/jupyter-mlops"
    load_other_extensions = True
    services: Services

    def initialize_settings(self) -> None:
        """Find the store and tell the kernels about it.

        Kernels inherit this process's environment, so that they, the server and the panel agree
        on one store whatever folder a notebook lies in.
        """
        from jupyter_mlops.store import redacted

        assert self.serverapp is not None  # noqa: S101 linked before this is called
        self.services = Services(load_config(), Path(self.serverapp.root_dir))
        self.settings["jupyter_mlops_services"] = self.services
        if not self.services.store_url:
            return  # every answer will say what is wrong with the configuration
        os.environ[STORE_VARIABLE] = self.services.store_url
        os.environ[ARTIFACTS_VARIABLE] = self.services.artifacts_url
        self.log.info("jupyter_mlops keeps its runs in %s", redacted(self.services.store_url))

    def initialize_handlers(self) -> None:
        """Serve every operation of the contract."""
        self.handlers.extend(route(handler, self.services) for handler in HANDLERS)

    async def stop_extension(self) -> None:
        """Close the store and let the threads go."""
        self.services.close()
