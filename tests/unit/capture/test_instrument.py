"""What the rewriting of a cell remembers of the expressions it observes."""

from __future__ import annotations

import ast

import pytest

from jupyter_mlops.capture.instrument import instrument
from jupyter_mlops.capture.sites import SITES

CELLS = [
    "m = accuracy_score(y, p)",
    "größe = 'ü'; m = accuracy_score(y, 'é', p)",
    "m = accuracy_score(\n    y,\n    'é',  # two\n    p,\n)",
    "a = 1\r\nm = accuracy_score(y,\r\n  p)\r\nb = 2",
    "a = 1\x0c\nm = accuracy_score(y, p)",
    "\n\nm = [accuracy_score(y, p),\n accuracy_score(z,\n p)]",
]


@pytest.mark.parametrize("code", CELLS)
def test_a_site_has_its_text(code: str) -> None:
    expected = {
        ast.get_source_segment(code, node)
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "accuracy_score"
    }
    SITES.clear()
    instrument(ast.parse(code), code, 1, tracked=True)
    assert {site.expression for site in SITES.values() if site.kind == "call"} == expected
