"""Magics and shell lines: translated, dropped, or refused with the reason."""

from __future__ import annotations

import ast

import pytest

from jupyter_mlops.export.source import without_settled
from jupyter_mlops.export.translation import refusals, translate


def magic(name: str, line: str) -> str:
    return f"get_ipython().run_line_magic({name!r}, {line!r})"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("x = 1", "x = 1"),
        (f"{magic('matplotlib', 'inline')}\nx = 1", "\nx = 1"),
        (f"x = 1\n{magic('time', 'm.fit(X)')}", "x = 1\nm.fit(X)"),
        (f"if x:\n    {magic('pip', 'install a')}\n", "if x:\n    pass\n"),
        ("get_ipython().system('pip install numpy')\ny = 2", "\ny = 2"),
        ("get_ipython().run_cell_magic('time', '', 'a = 1\\nb = 2\\n')\n", "a = 1\nb = 2\n"),
        ("get_ipython().run_cell_magic('timeit', '', 'a = 1\\n')\n", ""),
        (
            "get_ipython().run_cell_magic('capture', 'out', 'get_ipython().run_cell_magic(\"time\", \"\", \"a = 1\")')",
            "a = 1",
        ),
        (magic("env", "KEY=va'lue"), "__import__('os').environ['KEY'] = \"va'lue\""),
        ("# %%track name\nx = 1", "\nx = 1"),
        ("# 100 %%track\nx = 1", "# 100 %%track\nx = 1"),
    ],
)
def test_translation(code: str, expected: str) -> None:
    assert translate(code) == expected
    assert not [problem for node in ast.parse(translate(code)).body for problem in refusals(node)]


ASKS = "'get_ipython' in globals() and get_ipython() is not None"


@pytest.mark.parametrize(
    ("code", "left"),
    [
        (f"if {ASKS}:\n    display(x)\nelse:\n    print(x)\ny = 1", "display(x)\ny = 1"),
        (f"if not ({ASKS}):\n    x = 1\nelse:\n    x = 2\n    z = 3", "x = 2\nz = 3"),
        (
            "if 'google.colab' in str(get_ipython()):\n    path = '/drive'\nelse:\n    path = '.'",
            "path = '.'",
        ),
        ("if 'google.colab' in str(get_ipython()):\n    mount()\nx = 1", "pass\nx = 1"),
        ("if ('get_ipython' in dir()\n        and get_ipython()):\n    x = 1\nelif y:\n    x = 2", "x = 1"),
        (
            (
                "def f():\n    if get_ipython().__class__.__name__ == 'ZMQInteractiveShell':\n"
                "        a = '''1\n  2'''\n    else:\n        a = 2\n    return a"
            ),
            "def f():\n    a = '''1\n  2'''\n    return a",
        ),
        (f"if x and {ASKS}:\n    y = 1", f"if x and {ASKS}:\n    y = 1"),
        ("if 'model' in globals():\n    y = 1", "if 'model' in globals():\n    y = 1"),
    ],
)
def test_whether_this_is_a_notebook_is_answered_as_it_was(code: str, left: str) -> None:
    translated = translate(code)
    assert translated.count("\n") == code.count("\n")  # what is known of lines stays true
    assert ast.unparse(ast.parse(without_settled(translated))) == ast.unparse(ast.parse(left))


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("get_ipython().system('make data')", "!make data"),
        ("get_ipython().system('echo a > file')", "!echo a > file"),
        ("files = get_ipython().getoutput('ls')", "!ls"),
        (magic("run", "other.py"), "%run"),
        ("get_ipython().run_cell_magic('bash', '', 'make all')", "%%bash"),
        ("x = get_ipython().user_ns", ""),
    ],
)
def test_refusal(code: str, said: str) -> None:
    problems = [problem for node in ast.parse(translate(code)).body for problem in refusals(node)]
    assert bool(problems) is bool(said)
    if said:
        assert said in problems[0]


@pytest.mark.parametrize(
    ("line", "python"),
    [
        (
            "mkdir -p 'a b' c",
            "__import__('os').makedirs('a b', exist_ok=True); __import__('os').makedirs('c', exist_ok=True)",
        ),
        ("cp a.csv b.csv", "__import__('shutil').copy('a.csv', 'b.csv')"),
        ("touch done", "__import__('pathlib').Path('done').touch()"),
        ("wget -q https://example.org/data.csv", ""),
        ("unzip -o data.zip", ""),
    ],
)
def test_plain_shell_lines_become_python(line: str, python: str) -> None:
    code = f"get_ipython().system({line!r})\n"
    assert translate(code).strip() == python
    assert translate(f"get_ipython().run_cell_magic('bash', '', {line + chr(10)!r})\n").strip() == python


@pytest.mark.parametrize(
    "line", ["mkdir $HOME", "cp *.csv raw", "rm -rf raw", "python train.py", "wget x | sh", "cp -r a b"]
)
def test_what_only_a_shell_can_do_is_refused(line: str) -> None:
    for code in (f"get_ipython().system({line!r})", f"get_ipython().run_cell_magic('bash', '', {line!r})"):
        tree = ast.parse(translate(code + "\n"))
        assert "cannot become part of a script" in refusals(tree)[0]


def test_a_magic_that_is_refused_says_what_to_do() -> None:
    tree = ast.parse("get_ipython().run_line_magic('run', 'other.py')")
    assert "import what you need" in refusals(tree)[0]
