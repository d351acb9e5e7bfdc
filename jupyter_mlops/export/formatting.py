"""Makes a script look as ruff wants it: sorted imports, nothing unused, no complaint left."""

from __future__ import annotations

import ast
import subprocess
import sys
import tempfile
from pathlib import Path

#: What a demanding colleague's configuration asks for.
RULES = "E,F,I,UP,B"
_WIDTH = 120
#: Calls and imports that fit into a line stand in one, whoever wrote a comma at their end.
_SETTINGS = ("format.skip-magic-trailing-comma=true", "lint.isort.split-on-trailing-comma=false")
_COMMON = ["--isolated", "--quiet", "--no-cache", "--target-version", "py311", "--line-length", str(_WIDTH)]
_COMMON += [part for setting in _SETTINGS for part in ("--config", setting)]
#: Lies beside the script, so that it passes for whoever checks it.
CONFIGURATION = f"""# How pipeline.py is written. Lines are as long as people write them in notebooks.
line-length = {_WIDTH}
target-version = "py311"

[lint]
select = ["E", "F", "I", "UP", "B"]

[lint.isort]
split-on-trailing-comma = false

[format]
skip-magic-trailing-comma = true

[lint.per-file-ignores]
"contracts.py" = ["E501"]
"""


def formatted(code: str) -> str:
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
                [sys.executable, "-m", "ruff", *arguments, *_COMMON, str(place)],
                capture_output=True,
                timeout=60,
                check=False,
            )
            text = place.read_text(encoding="utf-8")
            if text.strip() and _parses(text):
                code = text
    return code


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True
