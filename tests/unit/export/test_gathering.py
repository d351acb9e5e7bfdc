"""Metrics that are kept one after the other stand in one line, and none is told what it was not."""

from __future__ import annotations

import pytest

from jupyter_mlops.export.gathering import gathered


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["metrics['a'] = f(x)", "metrics['b'] = g(x)"], ["metrics.update(a=f(x), b=g(x))"]),
        (["metrics['a b'] = x", "metrics['c'] = y"], ["metrics.update({'a b': x, 'c': y})"]),
        (["a = f()", "metrics['a'] = a", "b = g(a)", "metrics['b'] = b"],
         ["a = f()", "b = g(a)", "metrics.update(a=a, b=b)"]),
        (["a = f(); metrics['a'] = a", "b = g(); metrics['b'] = b"], ["a = f()", "b = g()", "metrics.update(a=a, b=b)"]),
        (["metrics['a'] = a", "a = f()", "metrics['b'] = a"], ["metrics['a'] = a", "a = f()", "metrics['b'] = a"]),
        (["metrics['a'] = f()", "b = g()", "metrics['b'] = b"], ["metrics['a'] = f()", "b = g()", "metrics['b'] = b"]),
        (["metrics['a'] = a", "for a in x:", "    pass", "metrics['b'] = b"],
         ["metrics['a'] = a", "for a in x:", "    pass", "metrics['b'] = b"]),
        (["for a in x:", "    metrics['a'] = a", "    f(a)", "    metrics['b'] = a"],
         ["for a in x:", "    metrics['a'] = a", "    f(a)", "    metrics['b'] = a"]),
        (["metrics['a'] = a", "metrics['a'] = a"], ["metrics['a'] = a"]),
        (["metrics['class'] = a", "metrics['b'] = b"], ["metrics.update({'class': a, 'b': b})"]),
        (["metrics['a'] = a  # said", "metrics['b'] = b"], ["metrics['a'] = a  # said", "metrics['b'] = b"]),
        (["metrics['a'] = a", "b = f()", "return b"], ["metrics['a'] = a", "b = f()", "return b"]),
        (["metrics.take_rows('t', t, by=['k'], columns=['c'])", "metrics.take_rows('', t, by=['k'], columns=['c'])"],
         ["metrics.take_rows(['', 't'], t, by=['k'], columns=['c'])"]),
        (["metrics.take_rows('t', t, ['k'], ['c'])", "metrics.take_rows('', u, ['k'], ['c'])"],
         ["metrics.take_rows('t', t, ['k'], ['c'])", "metrics.take_rows('', u, ['k'], ['c'])"]),
    ],
)  # fmt: skip
def test_records_are_put_together_where_that_changes_nothing(lines: list[str], expected: list[str]) -> None:
    def function(body: list[str]) -> str:
        return "\n".join(["def step(metrics):", *(f"    {line}" for line in body)])

    assert gathered(function(lines), "metrics") == function(expected)


def test_no_line_becomes_too_long() -> None:
    lines = [f"    metrics['{letter * 20}'] = {letter * 20}" for letter in "abcde"]
    found = gathered("\n".join(["def step(metrics):", *lines]), "metrics").split("\n")
    assert len(found) == 4
    assert max(map(len, found)) <= 110
