"""Statements that are filled where a formatter would give each of their parts a line."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from jupyter_mlops.export.filling import filled
from jupyter_mlops.export.formatting import configuration, formatted

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = ", ".join(f"'column_{n}': rng.normal(0, 1, size)" for n in range(12))
SETTINGS = ", ".join(f"parameter_{n}={n}.5" for n in range(14))
WORDS = ", ".join(f"'word number {n}'" for n in range(30))
SUM = " + ".join(f"0.{n} * table.column_{n}" for n in range(1, 12))
TAKEN = ", ".join(f"argument_{n}: dict[str, list[int]]" for n in range(9))


@pytest.mark.parametrize(
    ("code", "most"),
    [
        (f"table = pd.DataFrame({{{COLUMNS}}})", 7),
        (f"model = Model({SETTINGS})", 5),
        (f"words = [{WORDS}]", 8),
        (f"def f(table):\n    for _ in table:\n        total = np.exp({SUM}).round(2)", 7),
        (f"def f({TAKEN}) -> None:\n    return None", 7),
        (f"def f({TAKEN}) -> None:\n    @cache\n    def g():\n        return 1\n\n    return g()", 11),
    ],
)
def test_what_would_take_many_lines_is_filled(tmp_path: Path, code: str, most: int) -> None:
    text = formatted(code, 120)
    assert len(text.splitlines()) <= most
    assert "# fmt: skip" in text
    assert max(len(line.partition("  # noqa")[0]) for line in text.splitlines()) <= 120
    # Formatting once more changes nothing.
    (tmp_path / "ruff.toml").write_text(configuration(120))
    (tmp_path / "script.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--check", "script.py"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "code",
    [
        "f(\n    a,\n    b,\n)",  # not worth it
        f"model = Model(  # why\n    {SETTINGS.replace(', ', ',' + chr(10) + '    ')},\n)",
        'text = f(\n    1,\n    2,\n    3,\n    4,\n    5,\n    """a\n    b""",\n)',
        "value = (\n    first.one()\n    .two()\n    .three()\n    .four()\n    .five()\n)",
        "f(\n    [\n        1\n    ],\n    [\n        2\n    ],\n    g(\n        3\n    ),\n)".replace(
            "1", "a" * 110
        ),
    ],
)
def test_comments_texts_of_several_lines_and_short_statements_stay(code: str) -> None:
    assert filled(code, 120) == code


def test_a_tuple_of_one_stays_a_tuple() -> None:
    code = "x = f(\n    (\n        'a',\n    ),\n    1,\n    2,\n    3,\n    4,\n    5,\n    6,\n)"
    scope: dict[str, object] = {"f": lambda *given: given}
    exec(filled(code, 120), scope)
    assert scope["x"] == (("a",), 1, 2, 3, 4, 5, 6)
