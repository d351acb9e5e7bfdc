"""Cells that train by hand are runs, whatever language their names are in."""

from __future__ import annotations

import ast

import pytest
from observing import Notebook

from jupyter_mlops.capture.scorings import descends

SETUP = """
def treina(rede, dados):
    for x in dados:
        rede(x).backward()
        opt.step()

class Treinador:
    def treina(self):
        self.perda.backward()
        self.opt.step()

    def mostra(self):
        return self.perda

treinador = Treinador()
"""


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("for x in dados:\n    perda = rede(x)\n    perda.backward()\n    opt.step()", True),
        ("treina(rede, dados)", True),
        ("treinador.treina()", True),
        ("treinador.mostra()", False),
        ("perda.backward()\nx.grad", False),
        ("for x in dados:\n    print(rede(x))", False),
        ("def outra():\n    treina(rede, dados)", False),
    ],
)
def test_what_trains(code: str, expected: bool) -> None:
    notebook = Notebook()
    notebook.run(SETUP)
    assert descends(ast.parse(code), notebook.space) is expected
