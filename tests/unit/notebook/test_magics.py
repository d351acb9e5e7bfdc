"""The marker line: what is read from it, and how the transform leaves the cell."""

from __future__ import annotations

import ast

import pytest

from jupyter_mlops.notebook.magics import late_bindings, neutralise, override, parse_line, read_marker


def transformed(cell: str) -> str:
    return "".join(neutralise(cell.splitlines(keepends=True)))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", {}),
        ("deeper", {"name": "deeper"}),
        ("max_depth=8 lr=.1", {"params": {"max_depth": 8, "lr": 0.1}}),
        ("opt=adam flag=True nothing=None", {"params": {"opt": "adam", "flag": True, "nothing": None}}),
        ("sizes=[8, 16] name='two words'", {"params": {"sizes": [8, 16], "name": "two words"}}),
        ("--note trying deeper trees", {"note": "trying deeper trees"}),
        ("deeper --note 'a=b c' depth=3", {"name": "deeper", "note": "a=b c", "params": {"depth": 3}}),
        ("--tag team=churn stage=dev", {"tags": {"team": "churn", "stage": "dev"}}),
        ("--hypothesis 'depth helps' --baseline #3", {"hypothesis": "depth helps", "baseline": "#3"}),
        ("--note=short depth=3", {"note": "short", "params": {"depth": 3}}),
    ],
)
def test_line_is_read(line: str, expected: dict[str, object]) -> None:
    marker = parse_line("track", line)
    assert not marker.problems
    for field in ("name", "params", "note", "tags", "hypothesis", "baseline"):
        assert getattr(marker, field) == expected.get(field, type(getattr(marker, field))()), field


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--frobnicate 3", "--frobnicate"),
        ("1x=3", "1x"),
        ("class=3", "class"),
        ("depth=", "depth="),
        ("one two", "two"),
        ("--note", "--note"),
        ("--tag team", "team"),
        ("name='unclosed", "unclosed"),
    ],
)
def test_what_is_wrong_is_said_and_the_rest_is_kept(line: str, said: str) -> None:
    marker = parse_line("track", f"depth=3 {line}")
    assert marker.params["depth"] == 3
    assert [problem for problem in marker.problems if said in problem.message]
    assert all(problem.hint for problem in marker.problems)


def test_marker_is_only_the_first_line_that_is_not_empty() -> None:
    assert read_marker("\n\n%%track a\nx = 1").name == "a"
    assert read_marker("x = 1\n%%track a") is None
    assert read_marker("%%tracker\nx = 1") is None
    assert read_marker("%%scratch\nx = 1").kind == "scratch"


def test_lines_keep_their_numbers() -> None:
    cell = "%%track run depth=8\nimport math\ndepth = 3  # levels\nprint(depth)\n"
    result = transformed(cell)
    assert result.splitlines()[1:] == ["import math", "depth = 8  # levels", "print(depth)"]
    assert ast.parse(result).body[-1].lineno == 4


def test_a_parameter_without_literal_is_bound_on_the_markers_line() -> None:
    result = transformed("%%track lr=0.5 name=adam\nprint(lr)\n")
    space: dict[str, object] = {}
    exec(compile(result.replace("print(lr)", "seen = lr"), "cell", "exec"), space)
    assert space["seen"] == 0.5
    assert space["name"] == "adam"
    assert result.splitlines()[1] == "print(lr)"


def test_a_literal_over_several_lines_is_replaced_without_moving_what_follows() -> None:
    cell = "%%track sizes=[1]\nsizes = [\n    8,\n    16,\n]  # layers\nraise ValueError\n"
    result = transformed(cell)
    tree = ast.parse(result)
    assert ast.literal_eval(tree.body[0].value) == [1]
    assert tree.body[1].lineno == 6


def test_only_top_level_literals_are_replaced() -> None:
    lines, missing = override(["def f():\n", "    depth = 3\n", "depth = len('abc')\n"], {"depth": 8})
    assert missing == {"depth": 8}
    assert lines[1] == "    depth = 3\n"


def test_a_second_magic_moves_to_the_top() -> None:
    assert (
        transformed("%%track depth=8\n%%time\ndepth = 3\nprint(depth)\n")
        == "%%time\ndepth = 8\nprint(depth)\n"
    )
    assert late_bindings("%%track depth=8 lr=1\n%%time\ndepth = 3\n") == {"lr": 1}


def test_literals_beside_shell_lines_are_replaced_too() -> None:
    assert transformed("%%track depth=8\n!ls\ndepth = 3 # n\n").splitlines()[1:] == ["!ls", "depth = 8 # n"]


def test_the_transform_is_pure_and_idempotent() -> None:
    lines = "%%track depth=8\ndepth = 3\n".splitlines(keepends=True)
    once = neutralise(list(lines))
    assert neutralise(list(lines)) == once
    assert neutralise(once) == once
    assert lines == ["%%track depth=8\n", "depth = 3\n"]


def test_values_reach_the_code_as_literals_only() -> None:
    result = transformed("%%track depth=__import__('os').system('false')\ndepth = 3\n")
    value = ast.parse(result).body[0].value
    assert isinstance(value, ast.Constant)
