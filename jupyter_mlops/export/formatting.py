"""Makes a script look as ruff wants it: sorted imports, nothing unused, no complaint left."""

from __future__ import annotations

import ast
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from .filling import filled

if TYPE_CHECKING:
    from collections.abc import Iterable

#: What a demanding colleague's configuration asks for.
RULES = "E,F,I,UP"
#: Lines are as long as the notebook's own, within these limits.
_NARROWEST = 120
_WIDEST = 140
#: Calls and imports that fit into a line stand in one, whoever wrote a comma at their end.
_SETTINGS = ("format.skip-magic-trailing-comma=true", "lint.isort.split-on-trailing-comma=false")
_COMMON = ["--isolated", "--quiet", "--no-cache", "--target-version", "py311"]
_COMMON += [part for setting in _SETTINGS for part in ("--config", setting)]


def width_of(statements: Iterable[str]) -> int:
    """How long a script's lines may be, after the longest lines of the notebook's `statements`."""
    longest = max((len(line) for text in statements for line in text.splitlines()), default=0)
    # A step moves them to the right.
    return min(max(_NARROWEST, -(-(longest + 4) // 10) * 10), _WIDEST)


def configuration(width: int) -> str:
    """The ``ruff.toml`` that lies beside the script, so that it passes for whoever checks it."""
    rules = ", ".join(f'"{rule}"' for rule in RULES.split(","))
    return f"""# How pipeline.py is written. Lines are as long as they are in the notebook.
line-length = {width}
target-version = "py311"

[lint]
select = [{rules}]

[lint.isort]
split-on-trailing-comma = false

[format]
skip-magic-trailing-comma = true

[lint.per-file-ignores]
"contracts.py" = ["E501"]
"""


def formatted(code: str, width: int = 120) -> str:
    """`code` as ruff formats it, its safe corrections made; where a rule is still broken, the line says so.

    What ruff cannot do, or would break, is left out: the script then is as it was written.

    Raises:
        SyntaxError: `code` is no Python.
    """
    compile(code, "pipeline.py", "exec", dont_inherit=True)
    with tempfile.TemporaryDirectory(prefix="formatting-") as folder:
        place = Path(folder) / "pipeline.py"
        for arguments in (
            ["check", "--select", RULES, "--fix", "--exit-zero"],
            ["format"],
            ["check", "--select", RULES, "--add-noqa"],
        ):
            place.write_text(code, encoding="utf-8")
            subprocess.run(
                [sys.executable, "-m", "ruff", *arguments, *_COMMON, "--line-length", str(width), str(place)],
                capture_output=True,
                timeout=60,
                check=False,
            )
            text = place.read_text(encoding="utf-8")
            if text.strip() and _parses(text):
                code = text
            if arguments == ["format"]:
                code = filled(code, width)
    return code


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True
