"""The contract as an OpenAPI 3.1 document."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from .contract import OPERATIONS, PATH_PATTERNS, PREFIX, ErrorAnswer, File, Operation

REFERENCE = "#/components/schemas/"
NUM = {
    "title": "Num",
    "description": "A number; the strings stand for what JSON cannot hold.",
    "anyOf": [{"type": "number"}, {"enum": ["NaN", "Infinity", "-Infinity"]}],
}


def openapi_document() -> dict[str, Any]:
    """The whole contract: paths, requests, answers and errors."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        path = f"/{PREFIX}/{operation.path}"
        paths.setdefault(path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "jupyter_mlops",
            "version": "1",
            "description": "Runs, comparisons, exports and pipelines of one store. Every path needs the "
            "server's token or its cookie.",
        },
        "paths": paths,
        "components": {"schemas": schemas()},
    }


def schemas() -> dict[str, Any]:
    """Every record and request by name.

    A float is `Num`. Answers hold each of their fields always, so all of them are required;
    requests (those that refuse unknown fields) keep their optional ones.
    """
    components = _components()
    for component in components.values():
        if "description" in component:
            component["description"] = _flowing(component["description"])
        if component.get("type") != "object" or component.get("additionalProperties") is False:
            continue
        component["properties"] = _with_num(component["properties"])
        component["required"] = list(component["properties"])
        for value in component["properties"].values():
            value.pop("default", None)
    components["Num"] = NUM
    return dict(sorted(components.items()))


def _components() -> dict[str, Any]:
    types: list[type] = [ErrorAnswer]
    for operation in OPERATIONS:
        types += [kind for kind in (operation.query, operation.body, operation.answer) if kind is not None]
    records = [kind for kind in dict.fromkeys(types) if issubclass(kind, msgspec.Struct)]
    return msgspec.json.schema_components(records, ref_template=REFERENCE + "{name}")[1]


def _with_num(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_with_num(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") == "number":
        return {"$ref": REFERENCE + "Num"}
    changed = {key: _with_num(value) for key, value in schema.items()}
    options = changed.get("anyOf")
    if isinstance(options, list) and {"$ref": REFERENCE + "Num"} in options:
        options = [option for option in options if option != {"type": "integer"}]
        if len(options) == 1:
            del changed["anyOf"]
            return {**changed, **options[0]}
        changed["anyOf"] = options
    return changed


def _flowing(text: str) -> str:
    """A docstring without its indentation."""
    return "\n".join(line.strip() for line in text.splitlines()).strip()


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "x-action": operation.action,
        "parameters": [*_path_parameters(operation), *_query_parameters(operation)],
        "responses": {
            str(operation.status): {
                "description": operation.summary,
                "content": {_media_type(operation): {"schema": _answer_schema(operation)}},
            },
            "default": {
                "description": "What is wrong and what to do.",
                "content": {"application/json": {"schema": {"$ref": f"{REFERENCE}ErrorAnswer"}}},
            },
        },
    }
    if operation.body is not None:
        described["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": REFERENCE + operation.body.__name__}}},
        }
    return described


def _media_type(operation: Operation) -> str:
    return "application/octet-stream" if operation.answer is File else "application/json"


def _answer_schema(operation: Operation) -> dict[str, Any]:
    if operation.answer is File:
        return {}
    if operation.answer is dict:
        return {"type": "object"}
    return {"$ref": REFERENCE + operation.answer.__name__}


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "pattern": f"^{PATH_PATTERNS[name]}$"},
        }
        for name in re.findall(r"{(\w+)}", operation.path)
    ]


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    if operation.query is None:
        return []
    schema = msgspec.json.schema_components([operation.query])[1][operation.query.__name__]
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": value}
        for name, value in schema["properties"].items()
    ]
