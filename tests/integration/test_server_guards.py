"""Who may do what, at every address and in every way; and nothing in a field, an id or a body harms."""

from __future__ import annotations

import ast
import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests
from test_server import Server, address, jupyter_server, save

import jupyter_mlops.server
from jupyter_mlops import records
from jupyter_mlops.server import contract
from jupyter_mlops.store import Store, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

METHODS = ("GET", "POST", "PATCH", "DELETE", "PUT", "OPTIONS", "HEAD")
PATHS = sorted({operation.path for operation in contract.OPERATIONS})
OF_PATH = {path: next(o for o in contract.OPERATIONS if o.path == path) for path in PATHS}

AUTHORIZER = """
from jupyter_server.auth import Authorizer

class DenyOne(Authorizer):
    # Everything but what is denied: an action on a resource.
    def is_authorized(self, handler, user, action, resource):
        return not (resource == "jupyter_mlops" and action == "{action}")

c.ServerApp.authorizer_class = DenyOne
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("root")
    (root / ".jupyter_mlops").mkdir()
    with jupyter_server(root, tmp_path_factory.mktemp("jupyter")) as running:
        yield running


@pytest.fixture(scope="module")
def store(server: Server) -> Iterator[Store]:
    folder = server.root / ".jupyter_mlops"
    opened = open_store(f"sqlite:///{folder / 'runs.db'}", str(folder / "artifacts"))
    yield opened
    opened.close()


@pytest.mark.parametrize("path", PATHS)
def test_no_method_of_no_address_answers_a_stranger(server: Server, store: Store, path: str) -> None:
    run = save(store, "kept")
    revision = store.revision()
    place = address(OF_PATH[path]).replace("0" * 26, run.run_id)
    for method in METHODS:
        for headers in ({}, {"Authorization": "token wrong"}, {"Origin": "http://evil.example"}):
            answer = requests.request(
                method, server.api + place, headers=headers, json={}, timeout=30, allow_redirects=False
            )
            # A stranger's OPTIONS is answered by Jupyter with nothing but what a browser may ask.
            assert answer.status_code in (403, 404, 405) or (method == "OPTIONS" and not answer.content), (
                method,
                headers,
            )
            assert run.run_id not in answer.text
    assert store.revision() == revision


@pytest.mark.parametrize(
    "operation", [o for o in contract.OPERATIONS if o.method != "GET"], ids=lambda o: o.name
)
@pytest.mark.parametrize("xsrf", ["", "wrong"])
def test_a_logged_in_browser_on_another_page_changes_nothing(
    server: Server, store: Store, operation: contract.Operation, xsrf: str
) -> None:
    run = save(store, "kept")
    revision = store.revision()
    browser = requests.Session()
    browser.trust_env = False
    token = server.session.headers["Authorization"].removeprefix("token ")
    browser.get(f"{server.url}/api/status", params={"token": token}, timeout=30)
    browser.get(f"{server.url}/login", params={"token": token}, timeout=30)
    answer = browser.request(
        operation.method,
        server.api + address(operation).replace("0" * 26, run.run_id),
        headers={"X-XSRFToken": xsrf} if xsrf else {"Origin": "http://evil.example"},
        json={},
        timeout=30,
    )
    # Jupyter hides an address from another page's script.
    assert answer.status_code == (403 if xsrf else 404), answer.text
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert store.revision() == revision


@pytest.mark.parametrize("denied", sorted({operation.action for operation in contract.OPERATIONS}))
def test_what_an_authorizer_denies_is_denied_everywhere(tmp_path: Path, denied: str) -> None:
    (tmp_path / "root" / ".jupyter_mlops").mkdir(parents=True)
    config = tmp_path / "deny.py"
    config.write_text(AUTHORIZER.format(action=denied))
    with jupyter_server(tmp_path / "root", tmp_path, f"--config={config}") as server:
        for operation in contract.OPERATIONS:
            answer = server.session.request(
                operation.method, server.api + address(operation), json={}, timeout=30
            )
            assert (answer.status_code == 403) == (operation.action == denied), (operation.name, answer.text)


ODD = [
    *(
        "..",
        "../..",
        "..%2F..%2Fetc%2Fpasswd",
        "%2e%2e/%2e%2e",
        "....//",
        "/etc/passwd",
        "%00",
        "a%00b",
        "%ff%fe",
    ),
    *(
        "%c0%ae%c0%ae",
        "file:///etc/passwd",
        "C:%5CWindows",
        "\\\\host\\share",
        "'%20OR%201=1--",
        "%0d%0aX: y",
    ),
    *("<script>", "~root", "a" * 3000, "%F0%9F%98%80", "..%252f..%252f", "%2Fetc%2Fpasswd", "runs.db"),
]


@pytest.mark.parametrize("operation", [o for o in contract.OPERATIONS if "{" in o.path], ids=lambda o: o.name)
def test_an_id_is_never_a_path(server: Server, store: Store, operation: contract.Operation) -> None:
    revision = store.revision()
    for odd in ODD:
        place = re.sub(r"{\w+}", lambda _, odd=odd: odd, operation.path)
        request = requests.Request(operation.method, "http://x", json={}).prepare()
        request.url = server.api + place
        request.headers["Authorization"] = server.session.headers["Authorization"]
        answer = server.session.send(request, timeout=30)
        assert 400 <= answer.status_code < 500, (odd, answer.status_code, answer.text)
        assert "root:" not in answer.text
        assert "Traceback" not in answer.text
        assert "X" not in answer.headers
    assert store.revision() == revision


@pytest.mark.parametrize(
    "text",
    [
        "'; DROP TABLE runs; --",
        "metrics.a = 1; DELETE FROM runs",
        "name = 'x' UNION SELECT * FROM state",
        "metrics.`a' OR '1'='1` = 1 OR",
        "name LIKE '%' || (SELECT store_id FROM state)",
    ],
)
def test_sql_in_a_filter_or_an_order_is_text(server: Server, store: Store, text: str) -> None:
    save(store, "kept")
    count = store.count()
    assert server.refused("GET", "runs", 400, params={"filter": text})["code"] == "bad_filter"
    assert server.refused("GET", "runs", 400, params={"order_by": text})["code"] == "bad_filter"
    quoted = text.replace("'", "''")
    assert server.ask("GET", "runs", params={"filter": f"name = '{quoted}'"})["runs"] == []
    assert store.count() == count


def test_a_body_too_deep_or_too_large_or_no_json_is_refused(server: Server, store: Store) -> None:
    run = save(store, "kept")
    for body, status in (
        ("[" * 100_000, 400),
        ('{"tags":' * 5_000 + "1" + "}" * 5_000, 400),
        ("\xff\xfe", 400),
        ('{"note": NaN}', 400),
        ('{"name": "' + "x" * (contract.MAX_BODY_BYTES + 1) + '"}', 413),
    ):
        data = body.encode("latin-1")
        server.refused("PATCH", f"runs/{run.run_id}", status, data=data)
    assert store.get_run(run.run_id).name == "kept"


def test_store_work_never_runs_on_the_event_loop() -> None:
    """Every handler's method goes through `serves`, which hands it to a worker thread."""
    for module in Path(jupyter_mlops.server.__file__).parent.glob("*.py"):
        handlers = [
            node
            for node in ast.walk(ast.parse(module.read_text()))
            if isinstance(node, ast.ClassDef) and "MlopsHandler" in {ast.unparse(base) for base in node.bases}
        ]
        for node in (node for handler in handlers for node in handler.body):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name in (
                *("get", "post", "patch", "delete", "put"),
            ):
                marks = [
                    d.func.id
                    for d in node.decorator_list
                    if isinstance(d, ast.Call) and isinstance(d.func, ast.Name)
                ]
                assert marks == ["serves"], (module.name, node.name, node.lineno)
                assert isinstance(node, ast.FunctionDef)


def test_a_slow_answer_holds_up_nobody(server: Server, store: Store) -> None:
    """While the store is locked and an edit waits for it, other addresses are answered."""
    run = save(store, "kept")
    answers: list[int] = []
    edit = threading.Thread(
        target=lambda: answers.append(
            requests.patch(
                f"{server.api}runs/{run.run_id}",
                json={"note": "late"},
                headers={"Authorization": server.session.headers["Authorization"]},
                timeout=60,
            ).status_code
        )
    )
    with store._database.write():
        edit.start()
        for _ in range(5):
            assert server.ask("GET", "runs", params={"limit": 1})["count"] >= 1
            server.session.get(f"{server.url}/api/status", timeout=10).raise_for_status()
        assert answers == []
    edit.join()
    assert answers == [200]


def test_a_figure_with_script_is_saved_and_never_shown(server: Server, store: Store) -> None:
    data = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    digest = store.put_artifact(data)
    file = records.Artifact(
        path='a"\r\nX: y/<b>.svg', digest=digest, size=len(data), media_type="image/svg+xml"
    )
    run = save(store, "figure", artifacts=(file,))
    answer = server.session.get(f"{server.api}runs/{run.run_id}/artifacts/{digest}", timeout=30)
    assert answer.content == data
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert "X" not in answer.headers
