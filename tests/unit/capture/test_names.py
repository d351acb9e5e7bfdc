"""This code, these names."""

from __future__ import annotations

import ast
import functools

import pytest

from jupyter_mlops.capture.names import Import, cell_names, code_names, live_reads, live_stores
from jupyter_mlops.records import Span


def names(text: str) -> set[str]:
    return set(text.split())


@pytest.mark.parametrize(
    ("code", "reads"),
    [
        ("x = 1", ""),
        ("x", "x"),
        ("x = x + y", "x y"),
        ("x = 1; y = x", ""),
        ("x += 1", "x"),
        ("a.b = c", "a c"),
        ("a[i] = 2", "a i"),
        ("del a", "a"),
        ("for i in xs: total = i", "xs"),
        ("for i in range(3): v = i\nv", "range"),
        ("for i in range(n): v = i\nv", "range n v"),
        ("for i in range(3):\n    if i: break\n    v = i\nv", "range v"),
        ("while c: v = 1\nv", "c v"),
        ("if c: v = 1\nv", "c v"),
        ("if c: v = 1\nelse: v = 2\nv", "c"),
        ("try:\n    import a\nexcept ImportError:\n    a = None\na", "ImportError"),
        ("try:\n    v = f()\nexcept ValueError:\n    pass\nv", "f ValueError v"),
        ("try:\n    v = f()\nexcept ValueError:\n    raise\nv", "f ValueError"),
        ("try:\n    v = f()\nfinally:\n    w = 1\nv, w", "f"),
        ("try: f()\nexcept E as e: print(e)", "f E print"),
        ("with open(p) as f: data = f.read()\ndata", "open p"),
        ("with suppress(E): v = 1\nv", "suppress E v"),
        ("[x for x in xs if x > t]", "xs t"),
        ("{k: v * s for k, v in d.items()}", "d s"),
        ("[y for x in xs for y in x]", "xs"),
        ("x = [x for x in x]", "x"),
        ("any((hit := v) for v in vs)", "any vs"),
        ("if (n := f()) > 1: pass\nn", "f"),
        ("a and (b := 1)\nb", "a b"),
        ("f = lambda v: v + k", "k"),
        ("(lambda v=d: v + k)(1)", "d k"),
        ("def f(v, w=d): return v + k", "d k"),
        ("def f(): return k\nk = 1", ""),
        ("def f(): return k\nf()\nk = 1", "k"),
        ("def f(): return g()\ndef g(): return k\nf()", "k"),
        ("def f(): return old\ndef f(): return new", "new"),
        ("def f(n): return f(n - 1)", ""),
        ("def f():\n    global count\n    count += 1", "count"),
        ("def f():\n    v = 1\n    def g():\n        nonlocal v\n        v += k\n    return g", "k"),
        ("@wrap\ndef f(v: T) -> R: return k", "wrap T R k"),
        ("class A(B):\n    w = k\n    def m(self): return w2", "B k w2"),
        ("class A:\n    w = 1\n    v = w\n    def m(self): return w", "w"),
        ("class A:\n    def m(self): return A", ""),
        ("def f():\n    class A(B): pass\n    return A", "B"),
        ("x: T = 1", "T"),
        ("x: T", "T"),
        ("import numpy as np\nnp.mean(v)", "v"),
        ("import a.b\na.b.c()", ""),
        ("f'{x:.{p}f} {y!r}'", "x p y"),
        ("match v:\n    case {'k': k, **rest}: k\n    case [a, *b] if t: a\n    case C(x=q): q", "v t C"),
        ("await f(x)", "f x"),
        ("df.query('a > @limit and b < @other')", "df limit other"),
        ("df.eval(f'a > @limit')", "df limit"),
        ("ols('y ~ log(x) + np.exp(z)', data=df)", "ols log np df"),
        ("get_ipython().system('ls {folder} $name')", "get_ipython folder name"),
        ("get_ipython().run_cell_magic('time', '', 'm = fit(X)\\nm.score(y)')\nm", "get_ipython fit X y"),
        ("get_ipython().run_line_magic('time', 'm = fit(X)')\nm", "get_ipython fit X"),
        ("get_ipython().run_line_magic('timeit', '-n 3 m = fit(X)')", "get_ipython fit X"),
        ("print('%d' % n, end=sep)", "print n sep"),
        ("a, *b = c", "c"),
        ("x[i][j].k += v", "x i j v"),
        ("while (line := f.readline()): use(line)", "f use"),
    ],
)
def test_reads(code: str, reads: str) -> None:
    assert cell_names(code).reads == names(reads)


@pytest.mark.parametrize(
    ("code", "maybe"),
    [
        ("if c: v = 1\nv", "v"),
        ("v\nif c: v = 1\nv", ""),
        ("for i in xs: v = i\nprint(v)", "v"),
    ],
)
def test_a_read_after_a_binding_that_may_have_happened_says_so(code: str, maybe: str) -> None:
    assert cell_names(code).maybe_reads == names(maybe)


@pytest.mark.parametrize(
    ("code", "bound", "unconditional"),
    [
        ("x = y = 1", "x y", "x y"),
        ("a, (b, *c) = d", "a b c", "a b c"),
        ("if c: x = 1", "x", ""),
        ("for i in xs: x = i", "i x", ""),
        ("for i in (1, 2): x = i", "i x", "i x"),
        ("for i in range(3, 3): x = i", "i x", ""),
        ("import a.b, c as d\nfrom e import f as g", "a d g", "a d g"),
        ("def f(): x = 1", "f", "f"),
        ("class A: x = 1", "A", "A"),
        ("x = 1\ndel x", "x", ""),
        ("x[0] = 1; y.a = 2", "", ""),
        ("with f() as (g, h): x = 1", "g h x", "g h x"),
        ("[y := 1 for _ in xs]", "y", ""),
        ("try: x = 1\nexcept E as e: x = 2", "x e", "x"),
        ("x: int", "", ""),
        ("def f():\n    global g\n    g = 1", "f", "f"),
    ],
)
def test_bindings(code: str, bound: str, unconditional: str) -> None:
    found = cell_names(code)
    assert found.bound == names(bound)
    assert found.unconditional == names(unconditional)


@pytest.mark.parametrize(
    ("code", "touched"),
    [
        ("a.b.c = 1", "a"),
        ("a[0].b = 1", "a"),
        ("del a['x']", "a"),
        ("a += 1", "a"),
        ("a.append(b)", "a b"),
        ("a.b['c'].fit(x.y, key=z[0])", "a x z"),
        ("f([p, q], {'k': r}, *s)", "f p q r s"),
        ("f(p if c else q)", "f p q"),
        ("for v in it: pass", "it"),
        ("[v for v in it]", "it"),
        ("x = next(it)", "next it"),
        ("p, q = it", "it"),
        ("p, q = r, s", ""),
        ("v in it", "it"),
        ("b = a", ""),
        ("b = a + c", ""),
        ("def f(v): v.append(1); kept.append(v)", "kept"),
        ("with lock: pass", "lock"),
        ("async def f(): await task", "task"),
    ],
)
def test_touched(code: str, touched: str) -> None:
    assert cell_names(code).touched == names(touched)


def test_deleted_names_are_gone_unless_bound_again() -> None:
    assert cell_names("del a, b\na = 1").deleted == {"b"}
    assert cell_names("try: f()\nexcept E as e: pass").deleted == {"e"}


def test_reassigned_names_are_bound_more_than_once_or_in_a_loop() -> None:
    assert cell_names("a = 1\na = 2\nb = 3\nfor i in xs: c = i").reassigned == {"a", "i", "c"}
    assert cell_names("lr = 1\nlr *= 2").reassigned == {"lr"}


def test_a_loop_in_a_function_does_not_make_its_neighbours_reassigned() -> None:
    assert cell_names("def f():\n    for i in xs: j = i\nfor k in xs:\n    def g(): m = 1").reassigned == {
        "k",
        "g",
    }


def test_imports() -> None:
    found = cell_names(
        "import a.b\nimport c as d\nfrom e.f import g as h, i\nfrom j import *\nfrom . import k"
    )
    assert found.imports == (
        Import("a.b", "", "a"),
        Import("c", "", "d"),
        Import("e.f", "g", "h"),
        Import("e.f", "i", "i"),
        Import(".", "k", "k"),
    )
    assert found.star_imports == ("j",)
    assert found.modules == {"a.b", "c", "e.f", "j", "."}


def test_an_import_inside_a_function_is_a_module_but_no_name() -> None:
    found = cell_names("def f():\n    import torch\n    return torch")
    assert (found.imports, found.modules, found.reads) == ((), {"torch"}, frozenset())


def test_functions_classes_and_global_stores() -> None:
    found = cell_names("def f():\n    global n\n    n = 1\nclass A: pass\nasync def g(): pass")
    assert (found.functions, found.classes, found.global_stores) == (("f", "g"), ("A",), {"n"})


@pytest.mark.parametrize(
    ("code", "values"),
    [
        ("a = 1", {"a": 1}),
        ("a = -1.5", {"a": -1.5}),
        ("a, b = 1, 'x'", {"a": 1, "b": "x"}),
        ("a = b = None", {"a": None, "b": None}),
        ("a: float = 1e-3", {"a": 1e-3}),
        ("a = [1, -2, (3, True)]", {"a": [1, -2, (3, True)]}),
        ("a = {'k': [1], 'l': {}}", {"a": {"k": [1], "l": {}}}),
        ("a = 2**10", {"a": 1024}),
        ("a = 60 * 60 / 2", {"a": 1800.0}),
        ("a = 10 ** 10 ** 10", {}),
        ("a = 1 / 0", {}),
        ("a = {**b}", {}),
        ("a = f(1)", {}),
        ("a = 1\na = f()", {}),
        ("a = {[]: 1}", {}),
        ("a = 'x' + 'y'", {}),
        ("a = b''", {}),
        ("a = 1j", {}),
        ("if c: a = 1", {}),
        ("a = " + str([0] * 500), {}),
        ("a = 1\na = 2", {"a": 2}),
    ],
)
def test_literals(code: str, values: dict[str, object]) -> None:
    found = cell_names(code).literals
    assert {name: literal.value for name, literal in found.items()} == values
    assert [type(literal.value) for literal in found.values()] == [type(value) for value in values.values()]


def test_a_literal_knows_where_its_value_stands() -> None:
    literal = cell_names("é = 1; rate = -0.5  # rate").literals["rate"]
    assert literal.span == Span(line=1, column=15, end_line=1, end_column=19)
    line = "é = 1; rate = -0.5  # rate".encode()
    assert line[literal.column : literal.end_column] == b"-0.5"


@pytest.mark.parametrize(
    ("code", "dynamic"),
    [
        ("eval('x')", True),
        ("exec(code)", True),
        ("globals()['x'] = 1", True),
        ("vars()", True),
        ("vars(args)", False),
        ("df.eval('a + b')", False),
        ("model.eval()", False),
        ("get_ipython().run_line_magic('run', 'other.py')", True),
        ("get_ipython().run_line_magic('matplotlib', 'inline')", False),
        ("get_ipython().push({})", True),
        ("def f(): exec(code)", True),
    ],
)
def test_what_can_reach_every_name_is_dynamic(code: str, dynamic: bool) -> None:
    assert cell_names(code).dynamic is dynamic


def test_calls_and_strings_in_order() -> None:
    found = cell_names("np.random.seed(0)\nmake('a').fit(pd.read_csv('b.csv'))\nf'{x}'")
    assert found.calls == ("np.random.seed", ".fit", "make", "pd.read_csv")
    assert found.strings == ("a", "b.csv")


def test_attributes_are_the_chains_that_occur() -> None:
    assert cell_names("os.environ['A']; f().x; a.b.c = 1; a.b").attributes == {"os.environ", "a.b"}


def test_what_is_not_python_is_said_and_never_raised() -> None:
    assert cell_names("x = = 1").syntax_error
    assert cell_names("x\0").syntax_error
    assert cell_names("%matplotlib inline").syntax_error
    deep = cell_names("x = " + "-" * 5000 + "1")
    assert deep.dynamic or deep.syntax_error


def test_a_parsed_tree_is_used_as_it_is() -> None:
    assert cell_names("", ast.parse("y = x")).reads == {"x"}


# ---- live functions


def notebook(source: str) -> dict[str, object]:
    namespace: dict[str, object] = {"__name__": "__main__", "functools": functools}
    exec(compile(source, "<cell>", "exec"), namespace)
    return namespace


@pytest.mark.parametrize(
    ("source", "start", "reached"),
    [
        ("k = 1\ndef f(): return k", "f", "k"),
        ("k = 1\ndef g(): return k\ndef f(): return g()", "f", "g k"),
        ("k = 1\ndef f():\n    return [k for _ in (1,)]", "f", "k"),
        ("k = 1\nf = lambda: (lambda: k)()", "f", "k"),
        ("k = 1\nclass A:\n    def m(self): return k", "A", "k"),
        ("k = 1\nclass A:\n    def m(self): return k\nclass B(A): pass\nb = B()", "b", "k"),
        ("k = 1\nclass A:\n    @property\n    def m(self): return k\na = A()", "a", "k"),
        ("k = 1\nclass A:\n    @staticmethod\n    def m(): return k\na = A()", "a", "k"),
        (
            "k = 1\ndef g(): return k\ndef make(h):\n    def f(): return h()\n    return f\nf = make(g)",
            "f",
            "k",
        ),
        ("k = 1\ndef g(): return k\nf = functools.partial(g)", "f", "k"),
        ("k = 1\n@functools.lru_cache\ndef f(): return k", "f", "k"),
        ("k = 1\ndef g(): return k\nsteps = {'a': [g]}", "steps", "k"),
        ("k = 1\ndef f(df): return df.query('a > @k')", "f", "k"),
        ("k = 1\nclass A:\n    def m(self): return k\nf = A().m", "f", "k"),
        ("k = 1\ndef f(self): return self.k", "f", ""),
        ("k = 1\ndef f(): return missing", "f", ""),
        ("x = 1", "x", ""),
        ("x = 1", "absent", ""),
    ],
)
def test_live_reads(source: str, start: str, reached: str) -> None:
    assert live_reads({start}, notebook(source)) == names(reached)


def test_live_reads_find_a_function_inside_an_estimator() -> None:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    namespace = notebook("k = 2\ndef double(x): return x * k")
    namespace["pipeline"] = make_pipeline(FunctionTransformer(namespace["double"]))
    assert live_reads({"pipeline"}, namespace) == {"k"}


def test_live_stores_are_the_globals_a_function_rebinds() -> None:
    namespace = notebook("n = 0\ndef f():\n    global n\n    n += 1\ndef g(): f()")
    assert live_stores({"g"}, namespace) == {"n"}


def test_code_names_reads_nested_functions_too() -> None:
    code = compile(
        "def f():\n    global a\n    a = b\n    def g(): return c\n    return g", "", "exec"
    ).co_consts[0]
    assert code_names(code) == ({"b", "c"}, {"a"})


def test_live_reads_run_no_code_of_the_objects(hostile: object) -> None:
    namespace = notebook("k = 1\ndef f(): return k")
    namespace |= {"hostile": hostile, "held": {"x": [hostile]}, "consumed": (v for v in (1, 2))}
    assert live_reads({"hostile", "held", "consumed", "f"}, namespace) == {"k"}
    assert list(namespace["consumed"]) == [1, 2]  # type: ignore[call-overload]


def test_live_reads_end_on_cycles_and_on_their_budget() -> None:
    namespace = notebook("k = 1\ndef f(): return k, f")
    loop: list[object] = [namespace["f"]]
    loop.append(loop)
    namespace["loop"] = loop
    assert live_reads({"loop"}, namespace) == {"k", "f"}
    chain: list[object] = []
    for _ in range(10_000):
        chain = [chain]
    namespace["chain"] = chain
    assert live_reads({"chain"}, namespace, limit=50) == frozenset()
