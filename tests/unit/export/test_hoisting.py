"""What leaves the steps, written out: the script's own text is the proof."""

from __future__ import annotations

import ast
from pathlib import Path

from jupyter_mlops.export import codegen, edits, formatting
from jupyter_mlops.export.hoisting import hoist
from jupyter_mlops.export.naming import name_steps
from jupyter_mlops.export.plan import Cell, Hoisted, KeptCell, Slice, Words
from jupyter_mlops.export.steps import group_cells, names_at_top, prepare_cells, taken_names
from jupyter_mlops.records import Execution, FileUse, ParamDetail

WORDS = Words("config", "metrics", "result")
HERE = Path("/data")


def script_of(
    *codes: str, params: tuple[str, ...] = (), files: dict[int, str] | None = None
) -> tuple[str, Hoisted]:
    executions = [
        Execution(
            execution_id=str(n),
            session_id="s",
            order=n,
            source=code,
            code=code,
            files=(FileUse(path=files[n], mode="r"),) if files and n in files else (),
        )
        for n, code in enumerate(codes, start=1)
    ]
    cells = prepare_cells(
        executions, Slice(kept=tuple(KeptCell(order=cell.order, reason="") for cell in executions))
    )
    return _write(cells, params, set((files or {}).values()))


def _write(cells: list[Cell], params: tuple[str, ...], inputs: set[str]) -> tuple[str, Hoisted]:
    hoisted = hoist(
        cells,
        params={name: ParamDetail(origin="literal") for name in params},
        inputs={path: path for path in inputs},
        outputs=(),
        sites=(),
        logs=(),
        words=WORDS,
        directory=HERE,
    )
    edits.edit_names(cells, hoisted, WORDS)
    steps = group_cells(cells, hoisted, final=["out"], words=WORDS)
    name_steps(steps, names_at_top(hoisted), {})
    writer = codegen.Writer(WORDS, hoisted, lambda name, order: "Any", taken_names(cells))
    text = formatting.formatted(
        writer.script(codegen.Plan(title="A test", steps=steps, fields=hoisted.fields()))
    )
    compile(text, "pipeline.py", "exec")
    return text, hoisted


def test_literals_become_settings_unless_bound_twice() -> None:
    text, hoisted = script_of(
        "rate = 0.1\nsteps = 5\nname = 'x'",
        "steps = 6\nout = rate * steps, name",
        params=("rate", "steps", "name"),
    )
    assert "rate: float = 0.1" in text
    assert "name: str = 'x'" in text.replace('"', "'")
    assert "config.rate * steps" in text
    assert hoisted.notes == ["`steps` is assigned more than once and stays in the code."] * 2


def test_a_function_is_given_its_globals() -> None:
    text, _ = script_of(
        "rate = 0.1",
        "def inner(x):\n    return x * rate + offset\n\ndef outer(x, *, k=1):\n    return inner(x) + k",
        "offset = load()",
        "out = outer(2, k=3,) + inner(\n    1,  # one, two\n)",
        params=("rate",),
    )
    assert "def inner(x, *, offset: Any, rate: float):" in text
    assert "def outer(x, *, k=1, offset: Any, rate: float):" in text
    assert "inner(x, offset=offset, rate=rate) + k" in text
    assert "outer(2, k=3, offset=offset, rate=config.rate)" in text


def test_a_function_that_is_passed_around_stays_in_its_step() -> None:
    text, hoisted = script_of(
        "offset = load()", "def f(x):\n    return x + offset", "out = list(map(f, [1]))"
    )
    assert not hoisted.definitions
    assert "    def f(x):\n        return x + offset" in text


def test_two_meanings_of_a_name_are_kept_apart() -> None:
    text, hoisted = script_of(
        "import math as m\na = m.pi", "m = 3\nout = a * m", "def f():\n    pass", "f = 2"
    )
    assert not hoisted.imports
    assert not hoisted.definitions
    assert "    import math as m" in text


def test_constants_that_classes_look_up_stay_outside() -> None:
    text, _ = script_of("SCALE = 2.5\nclass A:\n    def f(self):\n        return SCALE", "out = A().f()")
    assert "\nSCALE = 2.5\n" in text
    assert "\nclass A:\n" in text


def test_paths_become_settings_only_where_they_are_read_as_a_whole() -> None:
    text, hoisted = script_of(
        "a = read('x/in.csv')\nlabel = 'x/in.csv'",
        "import os\nb = read(os.path.join('x', 'in.csv'))\nout = a, b, label",
        files={1: "/data/x/in.csv", 2: "/data/x/in.csv"},
    )
    assert "read(config.label)" in text
    assert "label: str = input_path(" in text
    assert 'os.path.join("x", "in.csv")' in text
    assert [field.kind for field in hoisted.fields()] == ["input"]


def test_globals_become_nonlocals_with_a_place() -> None:
    text, _ = script_of("def set_it():\n    global made\n    made = 1\nset_it()\nout = made")
    assert "    made = None\n" in text
    assert "nonlocal made" in text


def test_text_of_a_person_cannot_leave_its_docstring() -> None:
    title = 'Load """ + __import__("os").getcwd() + """ \\'
    tree = ast.parse(codegen.quoted(title))
    assert len(tree.body) == 1
    assert isinstance(tree.body[0].value, ast.Constant)  # type: ignore[attr-defined]


def test_a_text_of_several_lines_is_no_setting() -> None:
    text, hoisted = script_of("rows = '''a\nb'''\nsize = 3\nout = f(rows, size)", params=("rows", "size"))
    assert list(hoisted.settings) == ["size"]
    assert any("`rows` is a long text" in note for note in hoisted.notes)
    assert 'rows = """a\nb"""' in text


def test_translated_lines_use_names_where_those_are_free() -> None:
    for line in ("get_ipython().run_line_magic('cd', 'sub')", "get_ipython().system('mkdir -p sub')"):
        text, _ = script_of(f"{line}\nout = 1")
        assert "import os\n" in text
        assert "    os." in text
        assert "__import__" not in text
    text, _ = script_of("os = 3", "get_ipython().run_line_magic('cd', 'sub')\nout = os")
    assert '__import__("os").chdir("sub")' in text
    assert "import os\n" not in text


def test_an_import_of_what_is_there_is_no_new_one_whatever_was_done_to_the_path() -> None:
    text, _ = script_of("import sys\nsys.path.append('lib')", "import sys\nimport own\nout = sys.argv, own")
    assert text.count("import sys\n") == 1
    assert "    import own\n" in text
    text, _ = script_of(
        "import sys\nimport own\nx = own.a\nsys.path.append('lib')\ndel sys.modules['own']",
        "import own\nout = own.a, x",
    )
    assert "    import own\n" in text
