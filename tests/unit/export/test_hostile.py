"""Whatever people write, a script holds their statements and ours, and nothing else."""

from __future__ import annotations

import ast
import dataclasses
import unicodedata
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_mlops.export import codegen, contracts, edits
from jupyter_mlops.export.hoisting import hoist
from jupyter_mlops.export.naming import docstring_of, name_steps
from jupyter_mlops.export.plan import Cell, ConfigField, KeptCell, Slice, Words
from jupyter_mlops.export.steps import group_cells, names_at_top, prepare_cells, taken_names
from jupyter_mlops.records import Column, Dataset, Execution, ParamDetail

WORDS = Words("config", "metrics", "result")
FEW = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
#: What breaks out of quotes, comments and docstrings, and names that are no names or two in one.
NASTY = st.sampled_from(
    ['"""', "'''", '"', "\\", "\n", "\r", "\x0c", "\x00", "{", "}", "{x!r}", "%s", "#", "\ud800", "\u2028",
     "'); import os; os.system('", '""" + open("x") + """', "class", "match", "ℌ", "H", "ﬁt", "…"]
)  # fmt: skip
TEXT = st.lists(st.one_of(NASTY, st.text(max_size=6)), max_size=6).map("".join)
NAME = st.sampled_from(
    ["a", "b", "match", "type", "größe", "ℌ", "H", "ſ", "x_1", "Config", "main", "run_pipeline", "Settings"]
)
VALUE = st.one_of(TEXT, st.integers(), st.booleans(), st.floats(allow_nan=False))


def cells_of(codes: list[str], heading: str = "") -> list[Cell]:
    executions = [
        Execution(execution_id=str(n), session_id="s", order=n, source=code, code=code, heading=heading)
        for n, code in enumerate(codes, start=1)
    ]
    return prepare_cells(
        executions, Slice(kept=tuple(KeptCell(order=cell.order, reason="") for cell in executions))
    )


def script(cells: list[Cell], title: str = "t", prose: str = "", params: tuple[str, ...] = ()) -> str:
    hoisted = hoist(
        cells,
        params={name: ParamDetail(origin="literal") for name in params},
        inputs={},
        outputs=(),
        sites=(),
        logs=(),
        words=WORDS,
        directory=Path("/data"),
    )
    edits.edit_names(cells, hoisted, WORDS)
    steps = group_cells(cells, hoisted, final=["a", "b"], words=WORDS)
    for step in steps:
        step.prose = prose
    name_steps(steps, names_at_top(hoisted), {})
    writer = codegen.Writer(WORDS, hoisted, lambda name, order: "Any", taken_names(cells))
    docstrings = {step.name: docstring_of(step) for step in steps}
    text = writer.script(
        codegen.Plan(title=title, steps=steps, docstrings=docstrings, fields=hoisted.fields())
    )
    compile(text, "pipeline.py", "exec")
    return text


def shape(text: str) -> str:
    """A script's tree without docstrings and names of steps."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            body.pop(0)
    steps = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    for node in ast.walk(tree):
        if getattr(node, "name", None) in steps:
            node.name = f"step_{steps.index(node.name)}"  # type: ignore[attr-defined]
        if isinstance(node, ast.Name) and node.id in steps:
            node.id = f"step_{steps.index(node.id)}"
    return ast.dump(tree)


@FEW
@given(heading=TEXT, title=TEXT, prose=TEXT)
def test_words_of_people_stay_in_docstrings(heading: str, title: str, prose: str) -> None:
    code = "a = load(1)\nb = a"
    assert shape(script(cells_of([code], heading), title, prose)) == shape(script(cells_of([code])))


@FEW
@given(value=VALUE, name=NAME)
def test_a_setting_holds_the_value_its_literal_had(value: Any, name: str) -> None:
    literal = ast.unparse(ast.Constant(value))
    text = script(
        cells_of([f"{name} = {literal}", f"b = use({name})" if name != "b" else f"a = use({name})"]),
        params=(unicodedata.normalize("NFKC", name),),
    )
    (held,) = [node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.AnnAssign)]
    assert held is not None
    assert ast.literal_eval(held) == value
    field = ConfigField(name, value, type(value).__name__)
    assert yaml.safe_load(codegen.config_yaml([field])) == {name: value}
    assert dataclasses.is_dataclass(field)


@FEW
@given(statements=st.lists(st.tuples(NAME, VALUE, NAME), min_size=1, max_size=5))
def test_steps_hold_the_statements_of_the_source_and_no_others(
    statements: list[tuple[str, Any, str]],
) -> None:
    codes = [
        f"{name} = load({ast.unparse(ast.Constant(value))}, f'{{{other!s}}}' if {other!r} else None)"
        f"\nkeep({name})"
        for name, value, other in statements
    ]
    codes = ["\n".join(f"{name} = 0" for name in sorted({name for _, _, name in statements})), *codes]
    written = ast.parse(script(cells_of(codes)))
    held = [
        ast.dump(statement)
        for node in written.body
        if isinstance(node, ast.FunctionDef)
        for statement in node.body
        if not isinstance(statement, ast.Return)
    ]
    source = [ast.dump(statement) for code in codes for statement in ast.parse(code).body]
    assert [found for found in held if found not in source] == []
    assert [found for found in source if "keep" in found and found not in held] == []
    calls = {ast.unparse(node.func) for node in ast.walk(written) if isinstance(node, ast.Call)}
    allowed = ("load", "keep", "sys", "str", "Path", "run_pipeline", "pipeline_")
    calls.discard("__file__.removesuffix")
    assert all(call.startswith(allowed) for call in calls), calls


@FEW
@given(dataset=TEXT, column=TEXT, category=TEXT)
def test_contracts_hold_texts_as_texts(dataset: str, column: str, category: str) -> None:
    top = [[category, 30], [f"{category}2", 20]]
    found = Dataset(
        name=dataset,
        fingerprint="",
        kind="pandas.DataFrame",
        rows=50,
        columns=(Column(name=column, dtype="object", nullable=False, profile={"distinct": 2, "top": top}),),
    )
    plain = ast.parse(contracts.write_contracts([]))
    tree = ast.parse(contracts.write_contracts([found]))
    assert [type(node) for node in tree.body] == [type(node) for node in plain.body]
    (held,) = [
        node.value
        for node in tree.body
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "CONTRACTS"
    ]
    assert held is not None
    assert ast.literal_eval(held)[dataset]["columns"][column]["categories"] == sorted(
        [category, f"{category}2"]
    )
