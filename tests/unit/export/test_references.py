"""This line of code → these names."""

from __future__ import annotations

import ast

import pytest

from jupyter_mlops.export.references import reads_before_bound, references


def uses(code: str, context: str = "load", *, deferred: bool | None = None) -> set[str]:
    return {
        found.name
        for found in references(ast.parse(code))
        if found.context == context and (deferred is None or found.deferred is deferred)
    }


@pytest.mark.parametrize(
    ("code", "loads", "stores"),
    [
        ("a = b", {"b"}, {"a"}),
        ("a += b", {"a", "b"}, {"a"}),
        ("a.b = c", {"a", "c"}, set()),
        ("a[i] = c", {"a", "i", "c"}, set()),
        ("for i in xs:\n    y = i", {"xs", "i"}, {"i", "y"}),
        ("z = [x for x in xs if x > k]", {"xs", "k"}, {"z"}),
        ("z = [(x, y) for x in xs for y in x]", {"xs"}, {"z"}),
        ("z = {n := 1 for _ in xs}", {"xs"}, {"z", "n"}),
        ("f = lambda x, y=d: x + y + g", {"d", "g"}, {"f"}),
        ("def f(x):\n    t = x + g\n    return t", {"g"}, {"f"}),
        ("def f():\n    global g\n    g = 1", set(), {"f", "g"}),
        ("def f():\n    n = 0\n    def h():\n        nonlocal n\n        n = m\n    return h", {"m"}, {"f"}),
        ("class C(B):\n    x = y\n    def m(self):\n        return x", {"B", "y", "x"}, {"C"}),
        ("import a.b\nimport c.d as e\nfrom f import g as h", set(), {"a", "e", "h"}),
        ("try:\n    pass\nexcept E as e:\n    print(e)", {"E", "print", "e"}, {"e"}),
        ("with o() as f:\n    f()", {"o", "f"}, {"f"}),
        (
            "match p:\n    case {'a': x, **rest}:\n        pass\n    case [y, *z]:\n        pass",
            {"p"},
            {"x", "rest", "y", "z"},
        ),
        ("df.query('a > @limit')", {"df", "limit"}, set()),
        ("print(f'{a:{w}}')", {"print", "a", "w"}, set()),
        ("@d\ndef f(a: T = v) -> R: pass", {"d", "T", "v", "R"}, {"f"}),
    ],
)
def test_names_of_a_line(code: str, loads: set[str], stores: set[str]) -> None:
    assert uses(code) == loads
    assert uses(code, "store") == stores


def test_what_a_function_reads_is_deferred() -> None:
    code = "def f(a=x):\n    return y + g(lambda: z)"
    assert uses(code, deferred=True) == {"y", "g", "z"}
    assert uses(code, deferred=False) == {"x"}


@pytest.mark.parametrize(
    ("code", "reads", "sure"),
    [
        ("a = 1\nb = a", set(), {"a", "b"}),
        ("b = a\na = 1", {"a"}, {"a", "b"}),
        ("if c:\n    a = 1\nb = a", {"c", "a"}, {"b"}),
        ("if c:\n    a = 1\nelse:\n    a = 2\nb = a", {"c"}, {"a", "b"}),
        ("if c:\n    a = 1\nelse:\n    raise E\nb = a", {"c", "E"}, {"a", "b"}),
        ("for i in xs:\n    a = i\nb = a", {"xs", "a"}, {"b"}),
        ("while t:\n    a = 1\na", {"t", "a"}, set()),
        ("try:\n    a = f()\nexcept E:\n    a = 0\nb = a", {"f", "E", "a"}, {"b"}),
        ("a = 1\ndel a\nb = a", {"a"}, {"b"}),
        ("def f():\n    return late\nlate = 1\nf()", {"late"}, {"f", "late"}),
        ("x += 1", {"x"}, {"x"}),
    ],
)
def test_reads_before_bound(code: str, reads: set[str], sure: set[str]) -> None:
    found, _, surely = reads_before_bound(ast.parse(code).body)
    assert found == reads
    assert surely == sure
