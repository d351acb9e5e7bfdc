"""The server extension in a real Jupyter server: who may, what is answered, what is refused."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import jsonschema
import nbformat
import pytest
import requests
import websocket
from exportable import exportable_run
from ports import free_port

from jupyter_mlops import records
from jupyter_mlops.server import contract
from jupyter_mlops.server.openapi import schemas
from jupyter_mlops.store import Store, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "a-secret-of-this-test"


@dataclass
class Server:
    url: str
    root: Path

    def __post_init__(self) -> None:
        self.api = f"{self.url}/jupyter-mlops/api/"
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"token {TOKEN}"

    def ask(self, method: str, path: str, status: int = 200, **options: Any) -> Any:
        answer = self.session.request(method, self.api + path, timeout=30, **options)
        assert answer.status_code == status, answer.text
        return answer.json()

    def refused(self, method: str, path: str, status: int, **options: Any) -> dict[str, str]:
        error = self.ask(method, path, status, **options)["error"]
        assert set(error) == {"code", "message", "hint"}
        assert error["code"]
        assert error["message"]
        return error


@contextlib.contextmanager
def jupyter_server(root: Path, place: Path, *options: str, **variables: str) -> Iterator[Server]:
    """A Jupyter server with nothing but our extension, its configuration and runtime in `place`."""
    port = free_port()
    ours = {key: value for key, value in os.environ.items() if not key.startswith("JUPYTER")}
    folders = {f"JUPYTER_{name}_DIR": str(place / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    command = [
        *(sys.executable, "-m", "jupyter_server", "--no-browser", "--ServerApp.ip=127.0.0.1"),
        *(f"--ServerApp.port={port}", "--ServerApp.port_retries=0", "--allow-root"),
        *(f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={root}"),
        "--ServerApp.jpserver_extensions={'jupyter_mlops': True}",
        *options,
    ]
    log = place / "server.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=place,
            env={**ours, **folders, "JUPYTER_NO_CONFIG": "1", **variables},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    server = Server(f"http://127.0.0.1:{port}", root)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                server.session.get(f"{server.url}/api", timeout=5).raise_for_status()
                break
            except requests.RequestException:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
        yield server
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("root")
    (root / ".jupyter_mlops").mkdir()
    (root / "work").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIP_NO_INDEX", "1")
        patch.setenv("UV_NO_INDEX", "1")
        patch.setenv("JUPYTER_MLOPS_ENVIRONMENTS", str(tmp_path_factory.mktemp("environments")))
        with jupyter_server(root, tmp_path_factory.mktemp("jupyter")) as running:
            yield running


@pytest.fixture(scope="module")
def store(server: Server) -> Iterator[Store]:
    folder = server.root / ".jupyter_mlops"
    opened = open_store(f"sqlite:///{folder / 'runs.db'}", str(folder / "artifacts"))
    yield opened
    opened.close()


def save(store: Store, name: str = "", **fields: Any) -> records.Run:
    run = records.Run(
        run_id=records.new_id(),
        experiment=fields.pop("experiment", "penguins"),
        status=records.Status.FINISHED,
        start_time=records.now(),
        duration=0.5,
        name=name,
        **fields,
    )
    curves = {"val/loss": records.Curve(steps=[1, 2], values=[1.5, float("nan")], times=[0.1, 0.2], count=2)}
    return store.save_run(run, curves=curves if "val/loss" in run.curves else {})


def save_version(
    store: Store, run: records.Run, name: str, folder: Path, status: str = "validated"
) -> records.PipelineVersion:
    number = store.next_version(name)
    path = folder / name / f"v{number}"
    path.mkdir(parents=True)
    (path / "pipeline.py").write_text("print('hello')\n")
    return store.add_version(
        records.PipelineVersion(
            name=name,
            version=number,
            path=str(path),
            status=status,
            run_id=run.run_id,
            created_at=records.now(),
            report=records.ValidationReport(verdict=status),
            metrics={"accuracy": 0.5},
        )
    )


def address(operation: contract.Operation) -> str:
    values = {"run_id": "0" * 26, "job_id": "0" * 26, "digest": "0" * 64, "version": "1"}
    return re.sub(r"{(\w+)}", lambda match: values.get(match[1], "name"), operation.path)


@pytest.mark.parametrize("token", ["", "wrong"])
@pytest.mark.parametrize("operation", contract.OPERATIONS, ids=lambda operation: operation.name)
def test_nothing_is_answered_without_credentials(
    server: Server, operation: contract.Operation, token: str
) -> None:
    headers = {"Authorization": f"token {token}"} if token else {}
    answer = requests.request(
        operation.method, server.api + address(operation), headers=headers, data="{}", timeout=30
    )
    assert answer.status_code in (401, 403)
    assert "runs" not in answer.text


def test_a_cookie_alone_reads_but_changes_nothing_without_the_xsrf_token(
    server: Server, store: Store
) -> None:
    run = save(store, "guarded")
    browser = requests.Session()
    browser.trust_env = False
    browser.get(f"{server.url}/api/status?token={TOKEN}", timeout=30).raise_for_status()
    browser.get(f"{server.url}/login", timeout=30)
    address = f"{server.api}runs/{run.run_id}"
    assert browser.get(address, timeout=30).status_code == 200
    assert browser.patch(address, json={"name": "forged"}, timeout=30).status_code == 403
    assert browser.delete(address, timeout=30).status_code == 403
    assert store.get_summary(run.run_id).name == "guarded"
    headers = {"X-XSRFToken": browser.cookies["_xsrf"]}
    assert browser.patch(address, json={"name": "meant"}, headers=headers, timeout=30).status_code == 200
    assert store.get_summary(run.run_id).name == "meant"


def test_the_list_finds_sorts_and_pages(server: Server, store: Store) -> None:
    for depth in (1, 2, 3):
        save(
            store, f"tree{depth}", experiment="paging", params={"depth": depth}, metrics={"score": depth / 4}
        )
    found = server.ask(
        "GET",
        "runs",
        params={"filter": "metrics.score > 0.3", "experiment": "paging", "order_by": "metrics.score"},
    )
    assert [run["name"] for run in found["runs"]] == ["tree2", "tree3"]
    assert found["count"] == 2
    assert "paging" in found["experiments"]
    page = server.ask("GET", "runs", params={"experiment": "paging", "limit": 1, "offset": 1})
    assert [run["name"] for run in page["runs"]] == ["tree2"]
    assert page["count"] == 3


def test_a_poll_with_the_current_revision_is_told_that_nothing_changed(server: Server, store: Store) -> None:
    revision = server.ask("GET", "runs")["revision"]
    again = server.ask("GET", "runs", params={"since": revision})
    assert again["unchanged"] is True
    assert again["runs"] == []
    save(store, "newer")
    changed = server.ask("GET", "runs", params={"since": revision})
    assert changed["unchanged"] is False
    assert changed["runs"][0]["name"] == "newer"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"filter": "metrics.score >"}, "bad_filter"),
        ({"filter": "colour = 'red'"}, "bad_filter"),
        ({"order_by": "colour"}, "bad_filter"),
        ({"limit": "0"}, "bad_request"),
        ({"limit": "many"}, "bad_request"),
        ({"filtre": "x"}, "bad_request"),
        ({"filter": ["a", "b"]}, "bad_request"),
    ],
)
def test_a_query_that_cannot_be_used_is_answered_with_what_to_do(
    server: Server, query: dict[str, Any], code: str
) -> None:
    error = server.refused("GET", "runs", 400, params=query)
    assert error["code"] == code
    assert error["hint"]


def test_what_jupyters_client_adds_to_an_address_is_no_mistake(server: Server) -> None:
    assert "runs" in server.ask("GET", "runs?1700000000000")


def test_a_run_is_complete_strict_json_as_documented(server: Server, store: Store) -> None:
    run = save(store, "nan", metrics={"loss": float("nan"), "rows": 3}, curves=("val/loss",))
    answer = server.session.get(f"{server.api}runs/{run.run_id}", timeout=30)

    def no_constant(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    document = json.loads(answer.content, parse_constant=no_constant)
    assert document["metrics"] == {"loss": "NaN", "rows": 3}
    schema = {"$ref": "#/components/schemas/Run", "components": {"schemas": schemas()}}
    jsonschema.Draft202012Validator(schema).validate(document)
    curve = server.ask("GET", f"runs/{run.run_id}/curves/{quote('val/loss', safe='')}")
    assert curve["steps"] == [1, 2]
    assert curve["values"] == [1.5, "NaN"]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (f"runs/{'0' * 26}", "run_not_found"),
        (f"runs/{'0' * 26}/notebook", "run_not_found"),
        (f"exports/{'0' * 26}", "run_not_found"),
        ("pipelines/nothing/versions", "pipeline_not_found"),
        ("pipelines/nothing/versions/1/script", "pipeline_not_found"),
        ("pipelines/nothing/versions/2/difference?since=1", "pipeline_not_found"),
    ],
)
def test_what_is_not_there_is_404_with_a_hint(server: Server, path: str, code: str) -> None:
    error = server.refused("GET", path, 404)
    assert error["code"] == code
    assert error["hint"]


def test_a_run_is_renamed_annotated_and_tagged(server: Server, store: Store) -> None:
    run = save(store, "old", tags={"team": "a", "keep": "1"})
    changed = server.ask(
        "PATCH",
        f"runs/{run.run_id}",
        json={"name": "new", "note": "Better.", "tags": {"team": None, "x": "y"}},
    )
    assert (changed["name"], changed["note"]) == ("new", "Better.")
    assert changed["tags"] == {"keep": "1", "x": "y"}
    assert server.ask("PATCH", f"runs/{run.run_id}", json={"note": ""})["name"] == "new"


@pytest.mark.parametrize(
    "body", ['{"colour": "red"}', '{"name": 3}', "{", "[]", "", '{"name": ""}', '{"tags": {"a": 1}}']
)
def test_a_body_that_is_not_as_described_is_refused_and_changes_nothing(
    server: Server, store: Store, body: str
) -> None:
    run = save(store, "untouched")
    assert server.refused("PATCH", f"runs/{run.run_id}", 400, data=body)["code"] == "bad_request"
    assert store.get_summary(run.run_id).name == "untouched"


def test_a_body_over_the_limit_is_refused(server: Server, store: Store) -> None:
    run = save(store)
    body = json.dumps({"note": "x" * contract.MAX_BODY_BYTES})
    assert server.refused("PATCH", f"runs/{run.run_id}", 413, data=body)["code"] == "too_large"


def test_a_deleted_run_leaves_the_list_and_comes_back(server: Server, store: Store) -> None:
    run = save(store, experiment="deleting")
    assert server.ask("DELETE", f"runs/{run.run_id}") == {}
    assert server.ask("GET", "runs", params={"experiment": "deleting"})["count"] == 0
    assert server.ask("POST", f"runs/{run.run_id}/restore")["run_id"] == run.run_id
    assert server.ask("GET", "runs", params={"experiment": "deleting"})["count"] == 1


def test_a_file_is_saved_never_shown_and_only_through_its_own_run(server: Server, store: Store) -> None:
    digest = store.put_artifact(b"<script>alert(1)</script>")
    page = records.Artifact(path="out/a page.html", digest=digest, size=25, media_type="text/html")
    run, other = save(store, artifacts=(page,)), save(store)
    answer = server.session.get(f"{server.api}runs/{run.run_id}/artifacts/{digest}", timeout=30)
    assert answer.content == b"<script>alert(1)</script>"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''a%20page.html"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert server.refused("GET", f"runs/{other.run_id}/artifacts/{digest}", 404)["code"] == "artifact"


def test_runs_are_compared_in_the_order_asked_for(server: Server, store: Store) -> None:
    first = save(store, params={"depth": 2}, metrics={"loss": 0.5}, curves=("val/loss",))
    second = save(store, params={"depth": 8}, metrics={"loss": 0.25}, curves=("val/loss",))
    ids = [second.run_id, first.run_id]
    comparison = server.ask("GET", "comparison", params={"run_id": ids})
    assert [run["run_id"] for run in comparison["runs"]] == ids
    assert comparison["reference"] == second.run_id
    assert set(comparison["curves"]["val/loss"]) == set(ids)
    schema = {"$ref": "#/components/schemas/RunComparison", "components": {"schemas": schemas()}}
    jsonschema.Draft202012Validator(schema).validate(comparison)
    again = server.ask("GET", "comparison", params={"run_id": ids, "reference": first.run_id})
    assert again["reference"] == first.run_id


def test_a_comparison_needs_two_runs_and_a_reference_among_them(server: Server, store: Store) -> None:
    run, other, third = save(store), save(store), save(store)
    server.refused("GET", "comparison", 400, params={"run_id": [run.run_id]})
    server.refused("GET", "comparison", 400, params={"run_id": [run.run_id, run.run_id]})
    ids = [run.run_id, other.run_id]
    server.refused("GET", "comparison", 400, params={"run_id": ids, "reference": third.run_id})


def test_a_metrics_direction_is_corrected_for_every_comparison(server: Server, store: Store) -> None:
    ids = [save(store, metrics={"margin": value}).run_id for value in (0.2, 0.7)]
    row = server.ask("GET", "comparison", params={"run_id": ids})["metrics"][0]
    assert (row["higher_is_better"], row["best"]) == (None, "")
    said = server.ask("PATCH", "metrics/margin", json={"higher_is_better": False})
    assert said == {"directions": {"margin": False}}
    row = server.ask("GET", "comparison", params={"run_id": ids})["metrics"][0]
    assert (row["direction_from"], row["best"]) == ("you", ids[0])
    server.ask("PATCH", "metrics/margin", json={"higher_is_better": None})
    server.refused("PATCH", "metrics/margin", 400, json={"higher_is_better": "up"})


def test_rows_of_runs_without_predictions_are_refused_with_the_reason(server: Server, store: Store) -> None:
    ids = [save(store, metrics={"loss": value}).run_id for value in (0.2, 0.7)]
    asked = {"reference": ids[0], "run_id": ids[1], "metric": "loss"}
    server.refused("GET", "comparison/examples", 400, params=asked)
    server.refused("GET", "comparison/examples", 400, params={**asked, "limit": 0})


def test_a_run_opens_as_a_notebook_of_the_cells_it_stands_on(server: Server, store: Store) -> None:
    def cell(order: int, source: str, code: str = "", **fields: Any) -> records.Execution:
        return records.Execution(
            execution_id=records.new_id(),
            session_id="s1",
            order=order,
            source=source,
            code=code or source,
            **fields,
        )

    cells = (
        cell(1, "x = 1", bound=("x",), heading="Prepare"),
        cell(2, "1 / 0", status="failed"),
        cell(3, "unrelated = 2", bound=("unrelated",)),
        cell(4, "%%track\ny = x", "y = x", tracked=True, reads=("x",), bound=("y",)),
    )
    run = save(store, "slice", cells=cells, orders=(4,), session_id="s1", source="y = x")
    answer = server.ask("GET", f"runs/{run.run_id}/notebook")
    assert answer["contents_folder"] == ""
    document = answer["content"]
    nbformat.validate(nbformat.from_dict(document))
    code = [cell["source"] for cell in document["cells"] if cell["cell_type"] == "code"]
    assert code == ["%load_ext jupyter_mlops", "x = 1", "%%track\ny = x"]
    assert "## Prepare" in [cell["source"] for cell in document["cells"]]


def test_a_notebook_of_a_run_belongs_beside_the_runs_own(
    server: Server, store: Store, tmp_path: Path
) -> None:
    (server.root / "deep").mkdir(exist_ok=True)
    cell = records.Execution(
        execution_id=records.new_id(), session_id="s1", order=1, source="y = 1", code="y = 1", bound=("y",)
    )
    for notebook, folder in (
        (server.root / "deep" / "work.ipynb", "deep"),
        (server.root / "work.ipynb", ""),
        (tmp_path / "elsewhere.ipynb", ""),
    ):
        run = save(store, notebook=str(notebook), cells=(cell,), orders=(1,), session_id="s1")
        assert server.ask("GET", f"runs/{run.run_id}/notebook")["contents_folder"] == folder


def test_the_list_is_surveyed_by_groups_names_and_values(server: Server, store: Store) -> None:
    for team in ("red", "blue", "blue"):
        save(
            store, experiment="survey", tags={"team": team}, metrics={"survey_score": 1.0, "survey_rmse": 2.0}
        )
    asked = {"by": "tags.team", "experiment": "survey"}
    groups = server.ask("GET", "groups", params=asked)["groups"]
    assert groups == [{"value": "blue", "count": 2}, {"value": "red", "count": 1}]
    assert server.refused("GET", "groups", 400, params={"by": "colour"})["code"] == "bad_filter"
    names = server.ask("GET", "fields")
    assert {"survey_score", "survey_rmse"} <= set(names["metrics"])
    assert "survey_rmse" in names["lower_is_better"]
    assert "survey_score" not in names["lower_is_better"]
    store.set_direction("survey_rmse", True)
    assert "survey_rmse" not in server.ask("GET", "fields")["lower_is_better"]
    details = {"survey_score": records.MetricDetail(origin="call", higher_is_better=False)}
    save(store, experiment="survey", metrics={"survey_score": 1.0}, metric_details=details)
    assert "survey_score" in server.ask("GET", "fields")["lower_is_better"]
    assert "team" in names["tags"]
    assert server.ask("GET", "fields/values", params={"field": "tags.team"})["values"][:2] == ["blue", "red"]


def test_the_best_is_of_those_scored_as_most_are_and_says_who_was_passed_over(
    server: Server, store: Store
) -> None:
    def scored(rmse: float, target: str) -> records.Run:
        evaluation = records.Evaluation(function="rmse", target=target, rows=10)
        detail = records.MetricDetail(origin="call", evaluation=evaluation, higher_is_better=False)
        return save(
            store, experiment="best", metrics={"best_rmse": rmse}, metric_details={"best_rmse": detail}
        )

    best, _, easy = [scored(*run) for run in ((0.3, "all"), (0.5, "all"), (0.1, "few"))]
    told = server.ask("GET", "best", params={"metric": "best_rmse", "experiment": "best"})
    assert told["run"] == records.as_json(store.get_summary(best.run_id))
    assert [run["run_id"] for run in told["passed_over"]] == [easy.run_id]
    told = server.ask("GET", "best", params={"metric": "best_rmse", "filter": "metrics.best_rmse > 0.4"})
    assert (told["run"]["metrics"], told["passed_over"]) == ({"best_rmse": 0.5}, [])


def test_curves_are_drawn_small_for_the_runs_that_have_any(server: Server, store: Store) -> None:
    curved, plain = save(store, curves=("val/loss",)), save(store)
    long = records.Curve(
        steps=list(range(500)), values=[i / 4 for i in range(500)], times=[0.0] * 500, count=500
    )
    many = records.Run(
        run_id=records.new_id(),
        experiment="penguins",
        status=records.Status.FINISHED,
        start_time=records.now(),
        curves=("loss",),
    )
    store.save_run(many, curves={"loss": long})
    ids = [curved.run_id, plain.run_id, many.run_id, "gone"]
    drawn = server.ask("GET", "sparklines", params={"run_id": ids, "points": 10})["sparklines"]
    assert drawn[0] == {"run_id": curved.run_id, "metric": "val/loss", "values": [1.5, "NaN"]}
    assert [line["run_id"] for line in drawn] == [curved.run_id, many.run_id]
    values = drawn[1]["values"]
    assert len(values) == 10
    assert (values[0], values[-1]) == (0.0, 499 / 4)


def test_a_run_knows_the_cell_that_made_it(server: Server, store: Store, tmp_path: Path) -> None:
    inside = server.root / "work" / "cells.ipynb"
    inside.write_text("{}")
    outside = tmp_path / "cells.ipynb"
    outside.write_text("{}")
    for notebook, contents_path in (
        (str(inside), "work/cells.ipynb"),
        ("work/cells.ipynb", "work/cells.ipynb"),
        (str(outside), None),
        ("work/gone.ipynb", None),
        ("", None),
    ):
        run = save(store, notebook=notebook, cell_id="here", source="y = 1")
        assert server.ask("GET", f"runs/{run.run_id}/cell") == {
            "contents_path": contents_path,
            "notebook": notebook,
            "cell_id": "here",
            "source": "y = 1",
        }


def test_a_run_without_cells_does_not_open_as_a_notebook(server: Server, store: Store) -> None:
    assert server.refused("GET", f"runs/{save(store).run_id}/notebook", 422)["code"] == "export_refused"


@pytest.mark.parametrize("name", ["9lives", "a-b", "../up", "class", "a b"])
def test_a_pipelines_name_must_be_an_identifier(server: Server, store: Store, name: str) -> None:
    run = save(store)
    error = server.refused("POST", "exports", 400, json={"run_id": run.run_id, "name": name})
    assert error["code"] == "bad_pipeline_name"


def test_an_export_stays_inside_the_root(server: Server, store: Store, tmp_path: Path) -> None:
    run = save(store)
    link = server.root / "way-out"
    link.symlink_to(tmp_path, target_is_directory=True)
    for directory in (
        "..",
        "../elsewhere",
        str(tmp_path),
        "way-out",
        "way-out/pipelines",
        "work/../../x",
        "a\0b",
    ):
        body = {"run_id": run.run_id, "name": "churn", "directory": directory}
        error = server.refused("POST", "exports", 400, json=body)
        assert error["code"] == "usage"
    assert list(tmp_path.iterdir()) == []


def finished_job(server: Server, body: dict[str, Any]) -> dict[str, Any]:
    job = server.ask("POST", "exports", 202, json=body)
    assert job["state"] in ("queued", "running")
    deadline = time.monotonic() + 120
    while job["state"] not in ("done", "failed"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
        job = server.ask("GET", f"exports/{job['job_id']}")
    return job


def test_an_export_of_what_has_no_cells_fails_with_a_reason(server: Server, store: Store) -> None:
    job = finished_job(server, {"run_id": save(store).run_id, "name": "empty", "directory": "work"})
    assert job["state"] == "failed"
    assert job["error"]["code"] == "export_refused"
    assert job["error"]["message"]


def test_an_export_is_proved_in_the_background_beside_its_notebook(server: Server, store: Store) -> None:
    run = store.save_run(exportable_run(server.root / "work", 0.75))
    job = finished_job(server, {"run_id": run.run_id, "name": "scores"})
    assert job["error"] is None
    assert job["version"]["status"] == "validated", job
    assert job["version"]["contents_path"] == "work/pipelines/scores/v1"
    assert job["progress"]
    schema = {"$ref": "#/components/schemas/ExportJob", "components": {"schemas": schemas()}}
    jsonschema.Draft202012Validator(schema).validate(job)
    script = server.ask("GET", "pipelines/scores/versions/1/script")
    assert "accuracy" in script["source"]
    assert (server.root / script["contents_path"]).read_text() == script["source"]


def test_an_export_that_cannot_be_proved_is_done_and_rejected(server: Server, store: Store) -> None:
    run = store.save_run(exportable_run(server.root / "work", 0.5))
    job = finished_job(server, {"run_id": run.run_id, "name": "wrong", "directory": "work"})
    assert (job["state"], job["version"]["status"]) == ("done", "rejected")
    assert job["version"]["report"]["diverging"] == "accuracy"
    assert job["version"]["contents_path"] == "work/wrong/v1"


def test_an_export_can_ask_for_a_new_environment_and_is_told_why_there_is_none(
    server: Server, store: Store
) -> None:
    run = store.save_run(exportable_run(server.root / "work", 0.75))
    asked = {"run_id": run.run_id, "name": "anew", "directory": "work", "environment": True}
    job = finished_job(server, asked)
    report = job["version"]["report"]
    assert (job["version"]["status"], report["code"]) == ("rejected", "environment_failed")
    assert "requirements.lock" in report["cause"]
    assert report["log"]
    assert any("new environment" in sentence for sentence in job["progress"])


def test_pipelines_show_versions_scripts_aliases_and_their_moves(server: Server, store: Store) -> None:
    run = save(store)
    first = save_version(store, run, "churn", server.root / "work" / "pipelines")
    save_version(store, run, "churn", server.root / "work" / "pipelines", status="rejected")
    third = save_version(store, run, "churn", server.root / "work" / "pipelines")
    aliases = "pipelines/churn/aliases"

    move = server.ask("POST", aliases, json={"alias": "champion", "version": 1, "expected": None})
    assert (move["from_version"], move["to_version"]) == (None, 1)
    refused = server.refused("POST", aliases, 409, json={"alias": "champion", "version": 2})
    assert refused["code"] == "promotion_refused"
    late = server.refused("POST", aliases, 409, json={"alias": "champion", "version": 3, "expected": None})
    assert late["code"] == "promotion_refused"
    server.ask("POST", aliases, json={"alias": "champion", "version": 3, "expected": 1, "reason": "better"})

    rows = {"alias": "champion", "version": 3, "expected": 3, "protect": ["species = 'Gentoo'"]}
    unkept = server.refused("POST", aliases, 400, json=rows)  # such a gate would never be held
    assert "kept no" in unkept["message"] or "predictions" in unkept["message"]
    store.protect_slices("churn", "champion", ["species = 'Gentoo'", "age > 60"])
    server.ask("POST", aliases, json={**rows, "protect": [], "unprotect": ["age > 60"]})

    (pipeline,) = [p for p in server.ask("GET", "pipelines")["pipelines"] if p["name"] == "churn"]
    assert pipeline["protected"] == {"champion": ["species = 'Gentoo'"]}
    worse = server.refused("POST", aliases, 409, json={"alias": "champion", "version": 1})
    assert "protected slice" in worse["message"]
    assert [version["version"] for version in pipeline["versions"]] == [3, 2, 1]
    assert pipeline["aliases"] == {"champion": 3}
    assert [entry["to_version"] for entry in pipeline["log"]] == [3, 1]
    assert pipeline["versions"][0]["contents_path"] == "work/pipelines/churn/v3"
    assert pipeline["versions"][0]["path"] == third.path

    assert pipeline["rollbacks"] == {"champion": 1}

    (Path(first.path) / "config.yaml").write_text("max_depth: 2\n")
    (Path(third.path) / "config.yaml").write_text("max_depth: 8\n")
    changed = server.ask("GET", "pipelines/churn/versions/3/difference?since=1")
    assert (changed["first"], changed["second"]) == (1, 3)
    (change,) = [change for change in changed["changes"] if change["section"] == "config"]
    assert (change["layer"], change["lines"]) == ("run", ["-max_depth: 2", "+max_depth: 8"])

    back = server.ask("POST", "pipelines/churn/rollback", json={"alias": "champion"})
    assert (back["from_version"], back["to_version"]) == (3, 1)
    (pipeline,) = [p for p in server.ask("GET", "pipelines")["pipelines"] if p["name"] == "churn"]
    assert pipeline["rollbacks"] == {}
    script = server.ask("GET", "pipelines/churn/versions/1/script")
    assert script["source"] == "print('hello')\n"
    assert script["path"] == str(Path(first.path) / "pipeline.py")
    assert script["contents_path"] == "work/pipelines/churn/v1/pipeline.py"


def test_a_version_outside_the_root_has_no_address_in_the_browser(
    server: Server, store: Store, tmp_path: Path
) -> None:
    save_version(store, save(store), "elsewhere", tmp_path)
    (version,) = server.ask("GET", "pipelines/elsewhere/versions")["versions"]
    assert version["contents_path"] is None


def test_a_script_that_is_a_link_is_not_followed(server: Server, store: Store) -> None:
    version = save_version(store, save(store), "linked", server.root / "work" / "pipelines")
    script = Path(version.path) / "pipeline.py"
    script.unlink()
    script.symlink_to("/etc/hostname")
    server.refused("GET", "pipelines/linked/versions/1/script", 404)


def test_reading_changes_nothing(server: Server, store: Store) -> None:
    run = save(store, curves=("val/loss",))
    version = save_version(store, run, "still", server.root / "work" / "pipelines")
    revision = store.revision()
    values = {"run_id": run.run_id, "metric": "val%2Floss", "pipeline": version.name, "version": "1"}
    for operation in contract.OPERATIONS:
        if operation.method == "GET" and not {"{job_id}", "{digest}"} & set(
            re.findall(r"{\w+}", operation.path)
        ):
            path = re.sub(r"{(\w+)}", lambda match: values[match[1]], operation.path)
            server.session.get(server.api + path, timeout=30)
    assert store.revision() == revision


def test_a_method_that_is_not_there_is_answered_in_the_same_form(server: Server) -> None:
    assert server.refused("PUT", "runs", 405)["code"] == "method_not_allowed"


def test_status_and_contract_are_served(server: Server) -> None:
    status = server.ask("GET", "status")
    assert status["ok"] is True
    assert status["store"] == f"sqlite:///{(server.root / '.jupyter_mlops' / 'runs.db').as_posix()}"
    assert status["root"] == str(server.root)
    assert server.ask("GET", "openapi.json")["openapi"] == "3.1.0"


def test_a_kernel_inherits_the_servers_store(server: Server, tmp_path: Path) -> None:
    answer = server.session.post(f"{server.url}/api/kernels", json={"path": "work"}, timeout=60)
    answer.raise_for_status()
    kernel_id = answer.json()["id"]
    target = tmp_path / "seen"
    code = (
        "import os\n"
        f"with open({str(target)!r} + '.part', 'w') as file:\n"
        "    file.write(os.environ['JUPYTER_MLOPS_STORE'] + '\\n' + os.environ['JUPYTER_MLOPS_ARTIFACTS'])\n"
        f"os.replace({str(target)!r} + '.part', {str(target)!r})\n"
    )
    message = {
        "channel": "shell",
        "header": {
            "msg_id": "1",
            "msg_type": "execute_request",
            "session": "s",
            "username": "",
            "version": "5.3",
        },
        "parent_header": {},
        "metadata": {},
        "content": {"code": code, "silent": False, "store_history": False, "allow_stdin": False},
    }
    address = f"{server.url.replace('http', 'ws')}/api/kernels/{kernel_id}/channels"
    connection = websocket.create_connection(address, header=[f"Authorization: token {TOKEN}"], timeout=60)
    try:
        connection.send(json.dumps(message))
        while True:
            reply = json.loads(connection.recv())
            if reply["msg_type"] == "execute_reply":
                break
    finally:
        connection.close()
        server.session.delete(f"{server.url}/api/kernels/{kernel_id}", timeout=60)
    folder = server.root / ".jupyter_mlops"
    assert target.read_text().splitlines() == [f"sqlite:///{folder / 'runs.db'}", str(folder / "artifacts")]


@pytest.mark.parametrize(
    ("url", "status", "code"),
    [("sqlite:///{place}/file/runs.db", 503, "store_unreachable"), ("no address", 400, "bad_config")],
)
def test_a_server_whose_store_does_not_open_says_so_and_goes_on(
    tmp_path: Path, url: str, status: int, code: str
) -> None:
    (tmp_path / "file").write_text("not a folder")
    root, place = tmp_path / "root", tmp_path / "jupyter"
    root.mkdir()
    place.mkdir()
    with jupyter_server(root, place, JUPYTER_MLOPS_STORE=url.format(place=tmp_path)) as server:
        assert server.refused("GET", "runs", status)["code"] == code
        told = server.ask("GET", "status")
        assert told["ok"] is False
        assert told["error"]
        assert told["hint"]


def test_who_may_only_read_can_neither_change_nor_export(tmp_path: Path) -> None:
    root, place = tmp_path / "root", tmp_path / "jupyter"
    root.mkdir()
    place.mkdir()
    (place / "read_only.py").write_text(
        "from jupyter_server.auth.authorizer import Authorizer\n\n\n"
        "class ReadOnly(Authorizer):\n"
        "    def is_authorized(self, handler, user, action, resource):\n"
        "        return action == 'read' and resource in ('jupyter_mlops', 'api')\n"
    )
    option = "--ServerApp.authorizer_class=read_only.ReadOnly"
    with jupyter_server(root, place, option, PYTHONPATH=str(place)) as server:
        assert server.ask("GET", "runs")["runs"] == []
        for operation in contract.OPERATIONS:
            if operation.action != "read":
                error = server.refused(operation.method, address(operation), 403, data="{}")
                assert error["code"] == "forbidden"
