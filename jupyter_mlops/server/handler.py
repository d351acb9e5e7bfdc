"""The one base of all handlers: authentication, authorization, typed requests and answers, errors.

A handler's method is an ordinary function from a request (and the ids in the path) to a record.
`serves` ties it to its operation in the contract and makes of it what Tornado calls: it checks
who asks, reads the request, runs the function in a worker thread, so that neither a slow database
nor a large run holds up the event loop, and writes the answer or the error.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from http.client import responses
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado.web import HTTPError, authenticated

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.records import as_json

from .contract import (
    BY_NAME,
    MAX_BODY_BYTES,
    PATH_PATTERNS,
    PREFIX,
    RESOURCE,
    ErrorAnswer,
    ErrorDetail,
    File,
    Operation,
    Request,
)

if TYPE_CHECKING:
    from .services import Services

# what Jupyter's own clients and login add to any address
FOREIGN_ARGUMENTS = re.compile(r"token|_xsrf|_|no_track_activity|[0-9]+")
# what might be an integer beyond 2**53, which `as_json` spells as a text
LONG_INTEGER = re.compile(r"(?<![\d.eE+-])-?\d{16}")
# the media types that are served as what they are; anything else is bytes to be saved
SAFE_MEDIA_TYPES = ("image/png", "image/jpeg", "text/plain", "text/csv", "application/json")


class RequestError(MlopsError):
    """A request that is not as the contract says."""

    code = "bad_request"
    status = 400
    default_hint = f"The requests are described at {PREFIX}/openapi.json."


class TooLargeError(RequestError):
    """A request whose body is over the limit."""

    code = "too_large"
    status = 413


Method = Callable[..., Any]
Endpoint = Callable[..., Awaitable[None] | None]


def serves(name: str) -> Callable[[Method], Endpoint]:
    """Make a handler's method answer the operation `name` of the contract."""
    operation = BY_NAME[name]

    def decorate(method: Method) -> Endpoint:
        async def endpoint(self: MlopsHandler, **path: str) -> None:
            await self.answer(operation, method, path)

        guarded: Endpoint = authenticated(authorized(operation.action, RESOURCE)(endpoint))
        guarded.operation = operation  # type: ignore[attr-defined]
        return guarded

    return decorate


def route(handler: type[MlopsHandler], services: Services) -> tuple[str, type[MlopsHandler], dict[str, Any]]:
    """The address pattern of a handler, from the operations its methods serve."""
    (path,) = {operation.path for operation in operations_of(handler)}
    parts = re.split(r"{(\w+)}", path)
    for index, part in enumerate(parts):
        parts[index] = f"(?P<{part}>{PATH_PATTERNS[part]})" if index % 2 else re.escape(part)
    return f"/{PREFIX}/{''.join(parts)}", handler, {"services": services}


def operations_of(handler: type[MlopsHandler]) -> list[Operation]:
    """What a handler serves, by method."""
    found = (
        getattr(vars(handler).get(method), "operation", None) for method in ("get", "post", "patch", "delete")
    )
    return [operation for operation in found if operation is not None]


class MlopsHandler(APIHandler):
    """Base of every handler; its subclasses only say what to do."""

    services: Services

    def initialize(self, services: Services) -> None:
        """Take what the application built once."""
        self.services = services

    @property
    def _track_activity(self) -> bool:  # type: ignore[override]
        # a panel that polls must not keep an idle server alive
        return self.request.method != "GET"

    async def answer(self, operation: Operation, method: Method, path: dict[str, str]) -> None:
        """Read the request, call `method` in a worker thread, write what it returns or raises."""
        try:
            request = self._request(operation)
            loop = asyncio.get_running_loop()
            arguments = () if request is None else (request,)
            body = await loop.run_in_executor(
                self.services.executor, lambda: _encoded(method(self, *arguments, **path))
            )
        except MlopsError as error:
            self._fail(error.status, ErrorDetail(code=error.code, message=error.message, hint=error.hint))
            return
        self.set_status(operation.status)
        if isinstance(body, File):
            self._finish_file(body)
        else:
            self.finish(body)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Errors that are not ours, in the same form as ours."""
        error = (kwargs.get("exc_info") or (None, None))[1]
        reason = responses.get(status_code, "Unknown error")
        message = (error.log_message if isinstance(error, HTTPError) else "") or reason
        code, hint = {
            403: ("forbidden", "Send the server's token or log in."),
            404: ("not_found", f"The addresses are listed at {PREFIX}/openapi.json."),
            405: ("method_not_allowed", f"The methods are listed at {PREFIX}/openapi.json."),
            500: ("internal", "The server's log says more; please report it."),
        }.get(status_code, (reason.lower().replace(" ", "_"), ""))
        self._fail(status_code, ErrorDetail(code=code, message=message, hint=hint))

    def _fail(self, status: int, detail: ErrorDetail) -> None:
        self.set_status(status)
        self.finish(json.dumps(as_json(ErrorAnswer(error=detail))))

    def _request(self, operation: Operation) -> Request | None:
        if len(self.request.body) > MAX_BODY_BYTES:
            raise TooLargeError(f"The request is larger than {MAX_BODY_BYTES} bytes.", "Send less at once.")
        try:
            if operation.body is not None:
                return msgspec.json.decode(self.request.body, type=operation.body)
            if operation.query is not None:
                return self._query(operation.query)
        except msgspec.DecodeError as error:  # also its subclass ValidationError
            raise RequestError(f"The request cannot be used: {error}.") from error
        return None

    def _query(self, kind: type[Request]) -> Request:
        lists = {
            field.name
            for field in msgspec.inspect.type_info(kind).fields  # type: ignore[attr-defined]
            if isinstance(field.type, msgspec.inspect.VarTupleType)
        }
        found: dict[str, Any] = {}
        for name in self.request.query_arguments:
            values = self.get_query_arguments(name)
            if name in lists:
                found[name] = values
            elif not FOREIGN_ARGUMENTS.fullmatch(name):
                if len(values) > 1:
                    raise RequestError(f"{name} is given {len(values)} times.", "Give it once.")
                found[name] = values[0]
        return msgspec.convert(found, kind, strict=False)

    def _finish_file(self, file: File) -> None:
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Content-Security-Policy", "default-src 'none'; sandbox")
        self.set_header("Content-Disposition", f"attachment; filename*=UTF-8''{quote(file.name, safe='')}")
        safe = file.media_type if file.media_type in SAFE_MEDIA_TYPES else "application/octet-stream"
        self.finish(file.content, set_content_type=safe)


def _encoded(answer: Any) -> bytes | File:
    if isinstance(answer, File):
        return answer
    try:
        text = json.dumps(msgspec.to_builtins(answer), allow_nan=False)
        if not LONG_INTEGER.search(text):  # nearly always; it takes a third of the time
            return text.encode()
    except ValueError:  # a float that JSON cannot hold
        pass
    return json.dumps(as_json(answer), allow_nan=False).encode()
