"""How the extension stands, and the contract it answers by."""

from __future__ import annotations

from typing import Any

import jupyter_mlops
from jupyter_mlops.errors import MlopsError

from .contract import ServerStatus
from .handler import MlopsHandler, serves
from .openapi import openapi_document


class StatusHandler(MlopsHandler):
    """Where the store is and whether it answers."""

    @serves("get_status")
    def get(self) -> ServerStatus:
        """Never an error: a store that does not answer is what is to be told."""
        from jupyter_mlops.store import redacted

        error: MlopsError | None = None
        try:
            self.services.store.revision()
        except MlopsError as raised:
            error = raised
        return ServerStatus(
            version=jupyter_mlops.__version__,
            store=redacted(self.services.store_url),
            artifacts=redacted(self.services.artifacts_url),
            root=str(self.services.root),
            ok=error is None,
            error=error.message if error else "",
            hint=error.hint if error else "",
        )


class OpenApiHandler(MlopsHandler):
    """The contract."""

    @serves("get_openapi")
    def get(self) -> dict[str, Any]:
        """As OpenAPI 3.1."""
        return openapi_document()


HANDLERS = (StatusHandler, OpenApiHandler)
