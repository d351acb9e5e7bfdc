"""The contract: one table that the handlers, the OpenAPI document and the front end's types follow."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from jupyter_mlops import records
from jupyter_mlops.server import contract
from jupyter_mlops.server.application import HANDLERS
from jupyter_mlops.server.handler import MlopsHandler, operations_of
from jupyter_mlops.server.openapi import openapi_document, schemas
from jupyter_mlops.server.typescript import typescript_source

ROOT = Path(__file__).parents[2]
METHODS = ("get", "head", "post", "put", "patch", "delete")


def sample_run() -> records.Run:
    return records.Run(
        run_id=records.new_id(),
        experiment="penguins",
        status=records.Status.FINISHED,
        start_time=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        duration=math.inf,
        params={"depth": 3, "layers": [1, 2], "name": "a", "nothing": None, "settings": {"a": 1.5}},
        metrics={"accuracy": 0.5, "loss": math.nan, "rows": 7},
        metric_details={"accuracy": records.MetricDetail(origin="call", path=("a", 0))},
        datasets=(
            records.Dataset(
                name="x",
                fingerprint="f",
                kind="pandas",
                rows=1,
                columns=(
                    records.Column(name="a", dtype="float64", nullable=True, profile={"mean": math.nan}),
                ),
            ),
        ),
        warnings=(records.RunWarning(code="a", message="b"),),
    )


def answer_schema(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas()}}


def test_every_operation_is_served_by_exactly_one_guarded_method() -> None:
    served = [operation.name for handler in HANDLERS for operation in operations_of(handler)]
    assert sorted(served) == sorted(contract.BY_NAME)


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_handler_answers_only_through_the_guard(handler: type[MlopsHandler]) -> None:
    for name in METHODS:
        method = vars(handler).get(name)
        if method is not None:
            assert method.operation.method == name.upper()


def test_reading_asks_for_no_more_than_read_and_exporting_for_execute() -> None:
    for operation in contract.OPERATIONS:
        if operation.method == "GET":
            assert operation.action == "read"
        else:
            assert operation.action == ("execute" if operation.name == "create_export" else "write")


def test_every_reference_of_the_document_resolves() -> None:
    document = openapi_document()
    text = json.dumps(document)
    names = set(re.findall(r"#/components/schemas/(\w+)", text))
    assert names
    assert names <= set(document["components"]["schemas"])


def test_a_run_that_json_cannot_hold_satisfies_the_documented_schema() -> None:
    run = records.as_json(sample_run())
    assert run["metrics"]["loss"] == "NaN"
    jsonschema.Draft202012Validator(answer_schema("Run")).validate(run)


def test_the_documented_schema_refuses_what_is_no_number() -> None:
    run = records.as_json(sample_run())
    run["metrics"]["accuracy"] = "high"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(answer_schema("Run")).validate(run)


def test_a_version_on_the_wire_satisfies_the_documented_schema() -> None:
    version = contract.PipelineVersion(
        name="churn",
        version=1,
        path="/p",
        status="validated",
        run_id="r",
        created_at=records.now(),
        report=records.ValidationReport(verdict="validated"),
        contents_path=None,
    )
    job = contract.ExportJob(job_id="j", state="done", run_id="r", name="churn", version=version)
    jsonschema.Draft202012Validator(answer_schema("ExportJob")).validate(records.as_json(job))


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (contract.EditRun, {"nmae": "x"}),
        (contract.EditRun, {"name": ""}),
        (contract.EditRun, {"tags": {"team": 1}}),
        (contract.CreateExport, {"run_id": "../../etc", "name": "a"}),
        (contract.CreateExport, {"name": "a"}),
        (contract.MoveAlias, {"alias": "champion"}),
        (contract.ComparisonQuery, {"run_id": ["a"]}),
        (contract.RunsQuery, {"limit": 0}),
    ],
)
def test_a_request_that_is_not_as_described_is_refused(kind: type[Any], body: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(body, kind)


def test_absent_and_null_are_told_apart_where_it_matters() -> None:
    absent = msgspec.json.decode(b'{"alias": "champion", "version": 2}', type=contract.MoveAlias)
    null = msgspec.json.decode(
        b'{"alias": "champion", "version": 2, "expected": null}', type=contract.MoveAlias
    )
    assert absent.expected is msgspec.UNSET
    assert null.expected is None


def test_the_front_ends_types_are_the_generated_ones() -> None:
    found = (ROOT / "labextension" / "src" / "contract.ts").read_text(encoding="utf-8")
    assert found == typescript_source(), (
        "Make it anew: python -m jupyter_mlops.server.contract typescript > labextension/src/contract.ts"
    )


def test_every_record_of_the_document_is_a_type_of_the_front_end() -> None:
    source = typescript_source()
    declared = set(re.findall(r"^export (?:interface|type) (\w+)", source, re.MULTILINE))
    assert set(schemas()) <= declared
    used = set(re.findall(r"[:|<] ([A-Z]\w+)", source)) - {"Record"}
    assert used <= declared


def test_optional_in_a_request_is_optional_in_the_front_end_and_answers_are_whole() -> None:
    source = typescript_source()
    assert "  note?: string | null;" in source
    assert "  duration: Num | null;" in source
    assert "  metrics: { [key: string]: Num };" in source
    assert "  contents_path: string | null;" in source


@pytest.mark.parametrize(("argument", "beginning"), [("openapi", "{"), ("typescript", "// Generated")])
def test_the_module_prints_the_contract(argument: str, beginning: str) -> None:
    command = [sys.executable, "-m", "jupyter_mlops.server.contract", argument]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(beginning)
