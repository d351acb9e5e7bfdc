"""MLflow's REST interface, as much of it as runs need. MLflow itself need not be installed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit, urlunsplit

from jupyter_mlops.errors import ExchangeError

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 30.0
"""How long the server may stay silent."""
PAGE = 1_000
_API = "api/2.0/mlflow"


class MlflowClient:
    """A tracking server.

    Credentials are taken from the URL's user part, else from MLflow's own
    ``MLFLOW_TRACKING_USERNAME``, ``MLFLOW_TRACKING_PASSWORD`` and ``MLFLOW_TRACKING_TOKEN``. No message holds
    them.

    Every method raises ExchangeError when the server cannot be reached or refuses.
    """

    def __init__(self, url: str) -> None:
        import requests

        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        self.url = urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))
        self._session = requests.Session()
        user = parts.username or os.environ.get("MLFLOW_TRACKING_USERNAME")
        token = os.environ.get("MLFLOW_TRACKING_TOKEN")
        if user:
            self._session.auth = (user, parts.password or os.environ.get("MLFLOW_TRACKING_PASSWORD", ""))
        elif token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def get(self, place: str, query: dict[str, Any] | None = None) -> dict[str, Any]:
        """The answer to a GET below ``api/2.0/mlflow``."""
        return self._json("GET", f"{_API}/{place}", params=query)

    def post(self, place: str, body: dict[str, Any]) -> dict[str, Any]:
        """The answer to a POST below ``api/2.0/mlflow``."""
        return self._json("POST", f"{_API}/{place}", json=body)

    def pages(self, path: str, key: str, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """All of a list that the server gives in pages."""
        token = ""
        while True:
            answer = self.post(path, body | ({"page_token": token} if token else {}))
            yield from answer.get(key, [])
            token = answer.get("next_page_token", "")
            if not token:
                return

    def history(self, run_id: str, metric: str) -> list[dict[str, Any]]:
        """Every value logged of a metric."""
        query: dict[str, Any] = {"run_id": run_id, "metric_key": metric, "max_results": 25_000}
        found: list[dict[str, Any]] = []
        while True:
            answer = self.get("metrics/get-history", query)
            found += answer.get("metrics", [])
            query["page_token"] = answer.get("next_page_token", "")
            if not query["page_token"]:
                return found

    def experiment_id(self, name: str) -> str:
        """The id of an experiment, made where there is none."""
        response = self._send("GET", f"{_API}/experiments/get-by-name", params={"experiment_name": name})
        if response.status_code == 200:
            return str(response.json()["experiment"]["experiment_id"])
        return str(self.post("experiments/create", {"name": name})["experiment_id"])

    def files(self, run_id: str, path: str = "") -> Iterator[tuple[str, int]]:
        """Path and size of each of a run's artifacts."""
        query = {"run_id": run_id} | ({"path": path} if path else {})
        for file in self.get("artifacts/list", query).get("files", []):
            if file.get("is_dir"):
                yield from self.files(run_id, file["path"])
            else:
                yield file["path"], int(file.get("file_size") or 0)

    def file(self, run_id: str, path: str) -> bytes:
        """The bytes of one of a run's artifacts."""
        return self._bytes("get-artifact", {"run_uuid": run_id, "path": path})

    def model_files(self, model_id: str, path: str = "") -> Iterator[tuple[str, int]]:
        """Path and size of each file of a logged model."""
        query = {"artifact_directory_path": path} if path else {}
        answer = self.get(f"logged-models/{model_id}/artifacts/directories", query)
        for file in answer.get("files", []):
            if file.get("is_dir"):
                yield from self.model_files(model_id, file["path"])
            else:
                yield file["path"], int(file.get("file_size") or 0)

    def model_file(self, model_id: str, path: str) -> bytes:
        """The bytes of one file of a logged model."""
        place = f"ajax-api/2.0/mlflow/logged-models/{model_id}/artifacts/files"
        return self._bytes(place, {"artifact_file_path": path})

    def put_file(self, artifact_uri: str, path: str, data: bytes) -> None:
        """Keep a file below a run's ``artifact_uri``, through the server or where that points."""
        if artifact_uri.startswith("mlflow-artifacts:"):
            inner = urlsplit(artifact_uri).path.strip("/")
            place = f"api/2.0/mlflow-artifacts/artifacts/{quote(f'{inner}/{path}')}"
            self._checked(self._send("PUT", place, data=data))
            return
        import fsspec

        try:
            system, root = fsspec.url_to_fs(artifact_uri)
            system.makedirs(f"{root}/{path}".rpartition("/")[0], exist_ok=True)
            system.pipe_file(f"{root}/{path}", data)
        except (ImportError, ValueError, OSError) as error:
            raise ExchangeError(
                f"{path} could not be put at {artifact_uri}: {error}",
                "Start the server with --serve-artifacts, or run this where that place can be written.",
            ) from error

    def _json(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        response = self._checked(self._send(method, path, **options))
        try:
            found = response.json()
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise ExchangeError(
                f"What {self.url} answers is not MLflow's.", "Is it an MLflow tracking server?"
            )
        return found

    def _bytes(self, place: str, query: dict[str, str]) -> bytes:
        data: bytes = self._checked(self._send("GET", place, params=query)).content
        return data

    def _send(self, method: str, path: str, **options: Any) -> Any:
        import requests

        try:
            return self._session.request(method, f"{self.url}/{path}", timeout=SECONDS, **options)
        except requests.RequestException as error:
            raise ExchangeError(
                f"{self.url} cannot be reached ({type(error).__name__}).", "Is the MLflow server running?"
            ) from error

    def _checked(self, response: Any) -> Any:
        if response.ok:
            return response
        try:
            said = str(response.json().get("message", ""))
        except (ValueError, AttributeError):
            said = ""
        raise ExchangeError(f"{self.url} answered {response.status_code}: {(said or response.reason)[:300]}")
