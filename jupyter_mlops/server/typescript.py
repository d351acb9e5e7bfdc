"""The contract as the front end's TypeScript types, one interface a record."""

from __future__ import annotations

import json
from typing import Any

from .openapi import REFERENCE, schemas

HEADING = """\
// Generated from jupyter_mlops/server/contract.py; do not edit. To make it anew:
//   python -m jupyter_mlops.server.contract typescript > labextension/src/contract.ts
// A test compares the two.

/** A number; the strings stand for what JSON cannot hold. */
export type Num = number | 'NaN' | 'Infinity' | '-Infinity';

/** A parameter's value, as it was set. */
export type ParamValue =
  | boolean
  | Num
  | string
  | unknown[]
  | { [key: string]: unknown }
  | null;
"""
PARAM_VALUE = frozenset({"boolean", "Num", "string", "unknown[]", "{ [key: string]: unknown }", "null"})
WIDTH = 80


def typescript_source() -> str:
    """The whole of ``contract.ts``."""
    parts = [HEADING]
    for name, schema in schemas().items():
        if name != "Num":
            parts.append(_declaration(name, schema))
    return "\n".join(parts)


def _declaration(name: str, schema: dict[str, Any]) -> str:
    comment = _comment(schema.get("description", ""))
    if "enum" in schema:
        values = " | ".join(_quoted(value) for value in schema["enum"])
        return f"{comment}export type {name} = {values};\n"
    required = schema.get("required", [])
    lines = []
    for key, value in schema.get("properties", {}).items():
        optional = "" if key in required else "?"
        lines.append(_field(f"{_key(key)}{optional}", value))
    body = "\n".join(lines)
    if not body:
        return f"{comment}export type {name} = Record<string, never>;\n"
    return f"{comment}export interface {name} {{\n{body}\n}}\n"


def _field(key: str, schema: dict[str, Any]) -> str:
    kind = _type(schema)
    line = f"  {key}: {kind};"
    if len(line) <= WIDTH or " | " not in kind:
        return line
    return f"  {key}:\n" + "\n".join(f"    | {option}" for option in kind.split(" | ")) + ";"


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(REFERENCE)
    if "enum" in schema:
        return " | ".join(_quoted(value) for value in schema["enum"])
    if "anyOf" in schema:
        options = [_type(option) for option in schema["anyOf"]]
        return "ParamValue" if set(options) == PARAM_VALUE else " | ".join(dict.fromkeys(options))
    match schema.get("type"):
        case "string" | "boolean" | "null":
            return str(schema["type"])
        case "integer" | "number":
            return "number"
        case "array":
            return _array(schema.get("items"))
        case "object":
            values = schema.get("additionalProperties")
            return f"{{ [key: string]: {_type(values) if values else 'unknown'} }}"
    return "unknown"


def _array(items: dict[str, Any] | None) -> str:
    inner = _type(items) if items else "unknown"
    return f"({inner})[]" if " | " in inner else f"{inner}[]"


def _comment(text: str) -> str:
    lines = text.replace("``", "`").replace("*/", "* /").splitlines()
    if len(lines) == 1:
        return f"/** {lines[0]} */\n"
    return "/**\n" + "".join(f" * {line}".rstrip() + "\n" for line in lines) + " */\n" if lines else ""


def _key(name: str) -> str:
    return name if name.isidentifier() else json.dumps(name)


def _quoted(value: object) -> str:
    return "'" + str(value).replace("\\", "\\\\").replace("'", "\\'") + "'"
