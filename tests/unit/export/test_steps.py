"""Names of steps, and which statements a script does without."""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace as replace_record

from jupyter_mlops.export.draws import estimators_of, seeded_generators
from jupyter_mlops.export.files import made_first
from jupyter_mlops.export.leftovers import drop_inside
from jupyter_mlops.export.naming import docstring_of, name_steps, slug
from jupyter_mlops.export.outline import Passage, headings_of, read_outline
from jupyter_mlops.export.phases import fitted_name, title_of
from jupyter_mlops.export.plan import Cell, Hoisted, KeptCell, Slice, Words
from jupyter_mlops.export.purity import Quietness
from jupyter_mlops.export.steps import choose_words, group_cells, imported_modules, prepare_cells
from jupyter_mlops.export.trimming import trim
from jupyter_mlops.records import Execution, FileUse, Run, Status, now

if TYPE_CHECKING:
    from pathlib import Path


def cells_of(*codes: str, **fields: object) -> list[Cell]:
    executions = [
        Execution(execution_id=str(n), session_id="s", order=n, source=code, code=code, **fields)  # type: ignore[arg-type]
        for n, code in enumerate(codes, start=1)
    ]
    kept = tuple(KeptCell(order=cell.order, reason="") for cell in executions)
    return prepare_cells(executions, Slice(kept=kept))


def left(cells: list[Cell]) -> list[str]:
    return [ast.unparse(statement) for cell in cells for statement in cell.statements]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Load the data", "load_data"),
        ("## 2. Train/test split!", "train_test_split"),
        ("Step 3: Évaluer le modèle", "evaluer_le_modele"),
        ("class", "class_"),
        ("100 %", ""),
        ("模型", ""),
        ("LinearModel", "linear_model"),
        ("a'); import os #", "import_os"),
        ("one two three four five six seven eight nine", "one_two_three_four_five"),
    ],
)
def test_slug(text: str, name: str) -> None:
    assert slug(text) == name
    assert not name or name.isidentifier()


def test_only_what_leaves_nothing_behind_is_dropped() -> None:
    cells = cells_of(
        "import numpy as np\nimport matplotlib.pyplot as plt\nimport unused\nfrom sklearn.experimental import enable_x",
        "data = load()\ndata\ndata.head()\nprint(len(data), data.shape)\nplt.plot(data)\nfig, ax = plt.subplots()\nax.set_title('x')\n"
        "dead = np.mean(data)\nalive = np.mean(data)\ndata.pop('a')\nunknown(data)\nprint(unknown(data))\nnp.random.shuffle(data)",
    )
    trim(cells, set(), {"alive"}, Quietness(imported_modules(cells)))
    assert left(cells) == [
        "import numpy as np",
        "from sklearn.experimental import enable_x",
        "data = load()",
        "alive = np.mean(data)",
        "data.pop('a')",
        "unknown(data)",
        "print(unknown(data))",
        "np.random.shuffle(data)",
    ]


def test_an_iterator_may_be_used_up_by_a_display() -> None:
    cells = cells_of("it = iter(x)\nlist(it)\nlist(x)\nrest = sum(it)", opaque=("it",))
    trim(cells, set(), {"rest"}, Quietness({}))
    assert left(cells) == ["it = iter(x)", "list(it)", "rest = sum(it)"]


def test_what_a_function_reads_when_called_is_never_dead() -> None:
    cells = cells_of("def f():\n    return rate", "rate = 2\nother = 3", "y = f()")
    trim(cells, set(), {"y"}, Quietness({}))
    assert left(cells) == ["def f():\n    return rate", "rate = 2", "y = f()"]


SPLITTER = "from sklearn.model_selection import train_test_split"
PLOTTER = "import matplotlib.pyplot as plt"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        # The notebook's own functions, where they change nothing.
        (
            "def f(m):\n    r = {'a': m.score(X)}\n    r['b'] = 1\n    return r\nprint(f(model))\nx = 1",
            ["x = 1"],
        ),
        ("def f(rows):\n    rows.append(1)\nprint(f(data))\nx = 1", ["print(f(data))", "x = 1"]),
        ("def f(m):\n    m.fit(X)\n    return m\nprint(f(model))\nx = 1", ["print(f(model))", "x = 1"]),
        ("def f():\n    global g\n    g = 1\nf()\nx = 1", ["f()", "x = 1"]),
        ("def f():\n    kept['a'] = 1\nf()\nx = 1", ["f()", "x = 1"]),
        # Models and tables that nothing needs, where nothing else holds them.
        ("a = Ridge()\na.fit(X, y)\nprint(a.score(X, y))\nx = 1", ["x = 1"]),
        ("a = Ridge()\na.fit(X, y)\nx = a.score(X, y)", ["a = Ridge()", "a.fit(X, y)", "x = a.score(X, y)"]),
        ("from sklearn import svm\na = svm.SVC()\na.fit(X, y)\nprint(a.score(X, y))\nx = 1", ["x = 1"]),
        ("a = Ridge()\nx = [a]\na.fit(X, y)", ["a = Ridge()", "x = [a]", "a.fit(X, y)"]),
        ("a = b\na.fit(X, y)\nx = b", ["a = b", "a.fit(X, y)", "x = b"]),
        ("t = d.copy()\nt['c'] = 0\nx = d", ["x = d"]),
        ("t = d\nt['c'] = 0\nx = d", ["t = d", "t['c'] = 0", "x = d"]),
        (
            f"{SPLITTER}\nt, u = train_test_split(d)\nt.pop('a')\nx = u",
            ["t, u = train_test_split(d)", "x = u"],
        ),
        # What goes over the bars of a plot only draws.
        (
            f"{PLOTTER}\nax = plt.bar(d)\nfor p in ax.patches:\n    ax.text(p.get_x(), 1, 'a')\nx = 1",
            ["x = 1"],
        ),
        ("for p in d.patches:\n    d.text(p)\nx = 1", ["for p in d.patches:\n    d.text(p)", "x = 1"]),
        ("a = Ridge()\nb = a.fit(X, y)\nx = 1", ["x = 1"]),
        ("a = Ridge()\nx['m'] = a\na.fit(X, y)", ["a = Ridge()", "x['m'] = a", "a.fit(X, y)"]),
        # What gives a part of an object, or the object itself, may be how somebody else holds it.
        (
            "a = Ridge()\nb = a.fit(X, y)\na.set_params(alpha=2)\nx = b",
            ["a = Ridge()", "b = a.fit(X, y)", "a.set_params(alpha=2)", "x = b"],
        ),
        ("a = zeros(3)\nb = a.T\na[0] = 5\nx = b", ["a = zeros(3)", "b = a.T", "a[0] = 5", "x = b"]),
        ("a = zeros(3)\nb = a.sum()\na[0] = 5\nx = b", ["a = zeros(3)", "b = a.sum()", "x = b"]),
        # What is made in a way that may do more.
        ("a = Ridge(copy_X=False)\na.fit(X, y)\nx = X", ["a = Ridge(copy_X=False)", "a.fit(X, y)", "x = X"]),
        ("a = Ridge(copy_X=True)\na.fit(X, y)\nx = X", ["x = X"]),
        # What is computed by functions that only compute.
        ("s = d.apply(lambda c: skew(c.dropna())).sort_values()\nx = d", ["x = d"]),
        ("s = d.apply(log)\nx = d", ["s = d.apply(log)", "x = d"]),
        ("def f(c):\n    return c + 1\ns = d.apply(f)\nx = d", ["x = d"]),
        ("def f(c):\n    rows.append(c)\ns = d.apply(f)\nx = rows", ["s = d.apply(f)", "x = rows"]),
        ("c = Ridge().fit(X, y).coef_\nx = d", ["x = d"]),
        ("Counter(d).most_common(3)\nzeros(3).unusual()\nx = d", ["x = d"]),
        ("m = smf.ols('y ~ a', data=d).fit()\nprint(m.rsquared)\nx = d", ["x = d"]),
        # What only dropped code reads.
        ("folds = 5\ndef cv(m):\n    return m.score(X, folds)\nprint(cv(d))\nx = d", ["x = d"]),
        ("del c\ndel d['a']\nx = d", ["del d['a']", "x = d"]),
        ("try:\n    import seaborn as sns\nexcept ImportError:\n    pass\nx = d", ["x = d"]),
    ],
)
def test_what_nobody_else_holds_goes_with_its_changes(code: str, expected: list[str]) -> None:
    head = "from sklearn.linear_model import Ridge\nfrom scipy.stats import skew\nfrom numpy import zeros\n"
    head += "from collections import Counter\nimport statsmodels.formula.api as smf\n"
    cells = cells_of(head + code)
    trim(cells, set(), {"x"}, Quietness(imported_modules(cells)))
    kept = [line for line in left(cells) if not line.startswith(("from", "def", "class"))]
    assert kept == expected


@pytest.mark.parametrize(
    ("line", "stays"),
    [
        ("pd.set_option('display.max_columns', 50)", False),
        ("pd.set_option('max_rows', 50)", False),
        ("pd.set_option('mode.chained_assignment', None)", True),
        ("pd.set_option('future.infer_string', False)", True),
        ("pd.options.display.precision = 2", False),
        ("pd.options.mode.copy_on_write = True", True),
        ("np.set_printoptions(precision=3)", False),
        ("np.seterr(all='ignore')", False),
        ("np.seterr(all='raise')", True),
        ("warnings.filterwarnings('ignore')", False),
        ("warnings.simplefilter('error')", True),
        ("warnings.warn = lambda *a: None", False),
        ("logging.getLogger('x').setLevel(logging.ERROR)", False),
        ("plt.style.use('ggplot')", False),
        ("print('shown')", False),
        ("print('shown', file=sys.stderr)", False),
        ("print('written', file=f)", True),
        ("d.info(buf=f)", True),
    ],
)
def test_what_only_changes_how_things_look_is_dropped(line: str, stays: bool) -> None:
    head = "import logging, sys, warnings\nimport numpy as np\nimport pandas as pd\nimport matplotlib.pyplot as plt\n"
    cells = cells_of(f"{head}{line}\nx = 1")
    trim(cells, set(), {"x"}, Quietness(imported_modules(cells)))
    assert any(found == ast.unparse(ast.parse(line)) for found in left(cells)) == stays


@pytest.mark.parametrize(
    ("code", "stays"),
    [
        # A registry that classes enter when they are made.
        (
            "class B:\n    def __init_subclass__(cls):\n        seen.append(cls)\nclass C(B):\n    a = 1\nx = seen",
            "class C",
        ),
        ("class B:\n    pass\nclass C(B):\n    a = 1\nx = B.__subclasses__()", "class C"),
        ("class C(metaclass=M):\n    a = 1\nx = M", "class C"),
        # Output that code reads.
        ("with redirect_stdout(b):\n    print(d)\nx = b", "    print(d)"),
        ("sys.stdout = b\nprint(d)\nx = b", "print(d)"),
        (
            "with open('f', 'w') as f:\n    for r in d:\n        print(r, file=f)\nx = 1",
            "        print(r, file=f)",
        ),
        # What is done with what a module's function gave, and to what it is given.
        ("pd.DataFrame(d).to_csv('a.csv')\nx = 1", "pd.DataFrame(d)"),
        ("np.array(d).tofile('a')\nx = 1", "np.array(d)"),
        ("np.add.at(d, i, 1)\nx = d", "np.add.at"),
        # Figures that numbers are read from.
        ("ax = plt.gca()\nax.plot(d)\nx = ax.get_ylim()", "ax.plot(d)"),
        ("plt.plot(d)\nx = plt.ylim()", "plt.plot(d)"),
        ("counts, edges, _ = plt.hist(d)\nx = counts", "counts, edges, _ = plt.hist(d)"),
    ],
)
def test_what_others_notice_is_kept(code: str, stays: str) -> None:
    cells = cells_of(
        "import sys\nimport matplotlib.pyplot as plt\nimport numpy as np\nimport pandas as pd\n"
        f"from contextlib import redirect_stdout\n{code}"
    )
    quietness = Quietness(imported_modules(cells))
    trim(cells, set(), {"x"}, quietness)
    drop_inside(cells, [], quietness)
    assert any(line.startswith(stays) for line in "\n".join(left(cells)).split("\n"))


@pytest.mark.parametrize(
    ("stars", "expected"),
    [
        (["sklearn.metrics"], ["x = d"]),
        (["sklearn.metrics", "sklearn.ensemble"], ["x = d"]),
        (["sklearn.metrics", "own"], ["print(recall_score(d, d))", "x = d"]),
        (["own"], ["print(recall_score(d, d))", "x = d"]),
    ],
)
def test_what_only_a_star_can_have_brought_is_known(stars: list[str], expected: list[str]) -> None:
    head = "".join(f"from {module} import *\n" for module in stars)
    cells = cells_of(f"{head}print(recall_score(d, d))\nget_ipython().system('x')\nx = d")
    trim(cells, set(), {"x"}, Quietness(imported_modules(cells)))
    kept = [line for line in left(cells) if not line.startswith("from")]
    assert kept == [*expected[:-1], "get_ipython().system('x')", expected[-1]]


def test_what_is_drawn_and_read_by_nobody_goes() -> None:
    cells = cells_of("import matplotlib.pyplot as plt\nax = plt.gca()\nax.plot(d)\nplt.ylim()\nx = 1")
    trim(cells, set(), {"x"}, Quietness(imported_modules(cells)))
    assert left(cells) == ["x = 1"]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("a, b = train_test_split(d)\nx = np.random.rand()", True),
        ("a, b = train_test_split(d)\nnp.random.seed(1)\nx = np.random.rand()", False),
        ("a, b = train_test_split(d)\nx = len(d)", False),
        ("a, b = train_test_split(d, random_state=1)\nx = np.random.rand()", False),
        ("def split(d):\n    return train_test_split(d)\na, b = split(d)\nx = np.random.rand()", True),
    ],
)
def test_a_draw_stays_as_long_as_a_later_one_hangs_on_it(code: str, expected: bool) -> None:
    head = "import numpy as np\nfrom sklearn.model_selection import train_test_split\n"
    cells = cells_of(head + code, ambient_reads=("rng:numpy",))
    trim(cells, set(), {"x"}, Quietness(imported_modules(cells)))
    kept = [line for line in left(cells) if not line.startswith("def")]
    assert any(line.startswith("a, b = ") for line in kept) == expected


def test_a_fitted_model_predicts_without_chance() -> None:
    code = "import numpy as np\nprint(m.score(d), m.predict(d).mean())\nx = np.random.rand()"
    for kinds, expected in (
        (["sklearn.svm._classes.SVC"], False),
        (["sklearn.svm._classes.SVC", "Net"], True),
    ):
        cells = cells_of(*(["pass"] * len(kinds)), code, ambient_reads=("rng:numpy",))
        made = [
            replace_record(cell.execution, types={"m": kind})
            for cell, kind in zip(cells, kinds, strict=False)
        ]
        quietness = Quietness(imported_modules(cells))
        quietness.estimators = estimators_of(made)
        trim(cells, set(), {"x"}, quietness)
        assert any(line.startswith("print") for line in left(cells)) == expected


def test_who_goes_over_a_loader_draws() -> None:
    head, states = "import torch\n", {"ambient_reads": ("rng:torch",)}
    for loop, expected in (
        ("for a in loader:\n    print(a)", True),
        ("for a in range(3):\n    print(a)", False),
    ):
        cells = cells_of(f"{head}{loop}\nx = torch.rand(3)", **states)
        trim(cells, set(), {"x"}, Quietness(imported_modules(cells)))
        assert any(line.startswith("for") for line in left(cells)) == expected


def test_no_draw_is_kept_for_the_sake_of_chance() -> None:
    code = "import numpy as np\na = np.mean(f(d))\nb = np.float64(g.draw(d))\nx = g.draw(d)"
    states = {"ambient_reads": ("rng:numpy",), "ambient_writes": ("rng:numpy",)}
    for before, expected in (
        ("pass", set()),
        ("seed_all(1)", {"rng:numpy"}),
        ("set_state(s)", {"rng:numpy"}),
    ):
        cells = cells_of(before, code, **states)
        assert expected <= seeded_generators(cell.execution for cell in cells)
        assert bool(expected) == bool(seeded_generators(cell.execution for cell in cells))
    seeds = cells_of("library.begin()", ambient_writes=("rng:torch",))
    assert seeded_generators(cell.execution for cell in seeds) == {"rng:torch"}
    for seeded, expected in ((set(), 1), ({"rng:numpy"}, 2)):
        cells = cells_of("from sklearn.svm import SVC\na = SVC().fit(d, y)\nx = g.draw(d)", **states)
        trim(cells, set(), {"x"}, Quietness(imported_modules(cells)), seeded)
        assert len([line for line in left(cells) if not line.startswith("from")]) == expected


def test_steps_become_few_enough_and_load_stays_apart() -> None:
    part = "\n".join(f"a{n} = f(d)" for n in range(4))
    cells = cells_of(
        "# Load\nd = read_csv('x')", *(f"# Part {n}\n{part}" for n in range(6)), "# Fit\nm.fit(a1)"
    )
    steps = group_cells(cells, Hoisted(), final=["m"], words=Words("c", "m_", "r"), merge=True)
    assert 2 <= len(steps) <= 3
    assert sum(len(step.cells) for step in steps) == 8


def test_what_makes_a_file_joins_what_loads_it_and_training_stays_apart() -> None:
    part = "\n".join(f"a{n} = f({n})" for n in range(11))
    rest = "\n".join(f"b{n} = g(d)" for n in range(6))
    cells = cells_of(
        f"{part}\na1.to_csv('x.csv')", "d = read_csv('x.csv')", "d['n'] = 1", f"{rest}\nm.fit(b1, d)"
    )
    steps = group_cells(cells, Hoisted(), final=["m"], words=Words("c", "m_", "r"), merge=True)
    assert [[cell.order for cell in step.cells] for step in steps] == [[1, 2, 3], [4]]


def test_a_class_that_cannot_stand_at_the_top_stays_with_who_uses_it() -> None:
    cells = cells_of("rate = f()\nclass A:\n    step = rate", "b = 1\n" * 5, "c = A()")
    steps = group_cells(cells, Hoisted(), final=["c"], words=Words("c_", "m_", "r"), merge=True)
    assert [[cell.order for cell in step.cells] for step in steps] == [[1, 2, 3]]


def test_prints_inside_loops_go_and_blocks_stay_whole() -> None:
    cells = cells_of(
        "def f(xs):\n    for x in xs:\n        print(x)\n    return xs\n"
        "for i in range(3):\n    y = f([i])\n    # now and then\n    if i % 2:\n        print(i)\n    if i:\n        break\n"
        "for j in y:\n    print(g(j))\n"
    )
    drop_inside(cells, [], Quietness({}))
    source = cells[0].source
    assert source.render(0, len(source.data)) == (
        "def f(xs):\n    return xs\n"
        "for i in range(3):\n    y = f([i])\n    if i:\n        break\n"
        "for j in y:\n    print(g(j))\n"
    )
    assert left(cells)[0] == "def f(xs):\n    return xs"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("def f(d):\n    size = len(d)\n    del d\n    return 1", "def f(d):\n    return 1"),
        ("def f(d):\n    a = len(d)\n    b = a + 1\n    return d", "def f(d):\n    return d"),
        (
            "def f(d):\n    if d:\n        print(d)\n    else:\n        a = 1\n    return d",
            "def f(d):\n    return d",
        ),
        ("for i in d:\n    unread = len(i)\n    x = g(i)", "for i in d:\n    x = g(i)"),
    ],
)
def test_values_that_nobody_reads_go_wherever_they_stand(code: str, expected: str) -> None:
    cells = cells_of(code)
    drop_inside(cells, [], Quietness({}), {"x", "f"})
    assert left(cells) == [expected]


@pytest.mark.parametrize(
    "code",
    [
        "def f(d):\n    size = len(d)\n    return locals()",
        "def f(d):\n    low = 1\n    return d.query('a > @low')",
        "def f(d):\n    global g\n    g = 1",
        "def f(d):\n    a = unknown(d)\n    return d",
        "def f(d):\n    try:\n        a = float(d)\n    except ValueError:\n        return None\n    return d",
        "def f(d):\n    score = len(d)\n    return d",  # a metric is read from it
        "class A:\n    size = 3\n    other: int = 4",
    ],
)
def test_what_something_may_read_stays(code: str) -> None:
    cells = cells_of(code)
    drop_inside(cells, [], Quietness({}), {"f", "score"})
    assert left(cells) == [ast.unparse(ast.parse(code))]


@pytest.mark.parametrize(
    ("code", "made"),
    [
        ("d.to_csv('a.csv')\nd = pd.read_csv('a.csv')", {"/n/a.csv"}),
        ("d = pd.read_csv('a.csv')\nd.to_csv('a.csv')", set()),
        ("with open('a.csv', 'w') as f:\n    f.write('a')\nd = pd.read_csv('a.csv')", {"/n/a.csv"}),
        ("with open('a.csv') as f:\n    f.read()\nd.to_csv('a.csv')", set()),
    ],
)
def test_what_a_cell_writes_before_it_reads_it_is_no_input(code: str, made: set[str]) -> None:
    cells = cells_of(code, files=(FileUse(path="/n/a.csv", mode="rw"),))
    assert made_first(cells[0]) == made


def test_steps_are_given_and_give_what_is_used() -> None:
    cells = cells_of("raw = load_it()\nb = 1", "c = raw + 1\nif c:\n    b = 2", "d = b + c")
    words = Words("config", "metrics", "result")
    steps = group_cells(cells, Hoisted(), final=["d"], words=words)
    name_steps(steps, set(), {})
    assert [(step.inputs, step.outputs) for step in steps] == [
        ([], ["raw", "b"]),
        (["raw", "b"], ["c", "b"]),
        (["b", "c"], ["d"]),
    ]
    assert [step.name for step in steps] == ["load_raw", "make_c", "make_d"]


def test_a_step_gives_nothing_that_a_later_one_makes_anew() -> None:
    cells = cells_of("w = 1\nb = w", "w = 2 * b", "if b:\n    w = 3")
    steps = group_cells(cells, Hoisted(), final=["w"], words=Words("c", "m", "r"))
    assert [(step.inputs, step.outputs) for step in steps] == [
        ([], ["b"]),
        (["b"], ["w"]),
        (["w", "b"], ["w"]),
    ]


def test_a_nested_function_holds_together_what_it_looks_up_later() -> None:
    cells = cells_of("f = lambda: late", "x = 1", "late = 2", "y = f()")
    steps = group_cells(cells, Hoisted(), final=["y"], words=Words("c", "m", "r"))
    assert [[cell.order for cell in step.cells] for step in steps] == [[1, 2, 3], [4]]


def test_the_scripts_own_names_are_free_ones() -> None:
    assert choose_words(cells_of("config = 1\ndef metrics(settings): pass")) == Words(
        "pipeline_config", "measured", "result"
    )


def test_a_failed_cell_counts_as_far_as_it_got() -> None:
    cells = cells_of("a = 1\nb = 2\nraise E\nc = 3", status="failed", completed=2)
    assert left(cells) == ["a = 1", "b = 2"]


@pytest.mark.parametrize(
    ("title", "code", "name"),
    [
        ("Loading the data", "raw = pd.read_csv('x')", "load_data"),
        ("The birds", "birds = pd.read_csv('x')", "load_birds"),
        ("Data preparation", "a = 1", "prepare_data"),
        ("Train a forest", "forest.fit(X, y)", "train_forest"),
        ("Model evaluation", "a = 1", "evaluate_model"),
        ("Train/test split", "a, b = train_test_split(c)", "split_data"),
        ("", "a_train, a_test = train_test_split(c)", "split_data"),
        ("", "model = LogisticRegression()\nmodel.fit(X, y)", "train_model"),
        ("", "# Evaluate on the held-out rows\nscore = f1_score(y, p)", "evaluate_held_rows"),
        ("", "# model = x()\nscore = f1_score(y, p)", "evaluate"),
        ("", "# the old way, for reference\nscore = f1_score(y, p)", "evaluate"),
        ("", "# a function\ndef f(): pass\nmodel.fit(X, y)", "train_model"),
        ("Cleaning", "a = clean(1)", "clean_data"),
        ("%load algorithm_penalty.py", "# %load algorithm_penalty.py\na = f1_score(y, p)", "evaluate"),
        ("Out of sample", "m.fit(X, y)", "train_model"),
        ("", "d = read_csv('x')\nforest.fit(d)", "train_forest"),
        ("", "sc = StandardScaler()\nsc.fit(d)\nX = sc.fit_transform(d)\nforest.fit(X)", "train_forest"),
        ("Standardising the columns", "a = 1", "standardize_columns"),
        ("", "gb = HistGradientBoostingRegressor()\ngb.fit(X, y)", "train_hist_gradient_boosting"),
        ("", "a = train(net, d)\nf1_score(a, d)", "train_model"),
        ("", "model = Net()\na = scaler.fit_transform(d)", "build_model"),
        ("", "a = torch.load('x')\na.eval()", "make_data"),
        ("", "pd.DataFrame(d()).to_csv('birds.csv')", "make_birds"),
        ("", "a, train_part, test_part = f(d)", "make_data"),
        ("", "# Load data (adjust the path as needed)\na = pd.read_csv('x')", "load_data"),
        ("", "# read csv\na = pd.read_csv('x')", "load_data"),
    ],
)
def test_a_step_is_called_by_a_verb_and_what_it_is_done_to(title: str, code: str, name: str) -> None:
    cells = cells_of(code, heading=title)
    steps = group_cells(cells, Hoisted(), final=["model", "a"], words=Words("c", "m", "r"))
    name_steps(steps, set(), {})
    assert [step.name for step in steps] == [name]


def test_a_few_lines_join_their_neighbours() -> None:
    cells = cells_of(
        "seed = 3",
        "raw = read_csv('x')",
        "raw['a'] = 1\nraw['b'] = 2",
        "# Something else\nc = raw",
        "model.fit(c)",
        "model.partial_fit(c)",
        "score = f1_score(c, c)",
    )
    steps = group_cells(cells, Hoisted(), final=["score"], words=Words("c", "m", "r"), merge=True)
    assert [[cell.order for cell in step.cells] for step in steps] == [[1, 2, 3, 4], [5, 6, 7]]


@pytest.mark.parametrize(
    ("codes", "orders"),
    [
        (["# Split\na, b = train_test_split(c)", "# Fit\nm.fit(a)\nm.x(a)\nm.y()\nm.z()"], [[1, 2]]),
        (["# Load\nc = read_csv('x')", "# Fit\nm.fit(c)"], [[1], [2]]),
        (["# Fit\nm.fit(c)", "# Score\ns = f1_score(c, c)"], [[1, 2]]),
        (["# Fit\nm.fit(c)", "# Score\n" + "s = f1_score(c, c)\n" * 4], [[1], [2]]),
        (["# Fit\n" + "m.fit(c)\n" * 24, "# Score\ns = f1_score(c, c)\ns = 1"], [[1], [2]]),
        (["# One\n" + "a = f(1)\n" * 4, "# Two\n" + "b = f(a)\n" * 4], [[1], [2]]),
    ],
)
def test_what_is_long_and_has_a_title_stays_a_step(codes: list[str], orders: list[list[int]]) -> None:
    steps = group_cells(cells_of(*codes), Hoisted(), final=["s"], words=Words("c_", "m_", "r"), merge=True)
    assert [[cell.order for cell in step.cells] for step in steps] == orders


@pytest.mark.parametrize(
    ("code", "left_in", "title"),
    [
        ("# Settings\nrate = 1\n\n# Run it\nx = f(rate)", 1, "Run it"),
        ("# Settings\nrate = 1\nx = f(rate)", 1, "Settings"),
        ("rate = 1\n# Run it\nx = f(rate)", 1, "Run it"),
        ("rate = 1\n# Run it\nx = f(rate)", 0, ""),
        ("# Load\n\n# what the town gave us\nx = f(1)", 0, "Load"),
        ("# old\nx = f(1)", 0, ""),
        ("# %load net.py\nx = f(1)", 0, ""),
        ("# In[3]:\n# % of the rows\nx = f(1)", 0, "of the rows"),
        ("# Helper\ndef g(): ...\nx = g()", 1, ""),
    ],
)
def test_a_cell_is_about_what_is_left_of_it(code: str, left_in: int, title: str) -> None:
    (cell,) = cells_of(code)
    cell.statements = [cell.source.tree.body[left_in]]
    assert title_of(cell) == title


def test_what_was_fitted_unseen_is_found_in_the_code() -> None:
    for code, name in (
        ("m = SVC().fit(X, y)\nprint(1)", "m"),
        ("m.fit(X, y)\nscaler.fit(X)\ns = StandardScaler().fit(X)", "m"),
        ("for m in ms:\n    m.fit(X)", ""),
    ):
        assert fitted_name(ast.parse(code).body) == name


def test_a_joined_step_is_called_after_what_it_is_there_for() -> None:
    cells = cells_of("a, b = train_test_split(c)", "m.fit(a)", heading="")
    cells = [
        replace(cell, execution=replace_record(cell.execution, heading=title))
        for cell, title in zip(cells, ["Train and test split", "Fit a forest"], strict=True)
    ]
    steps = group_cells(cells, Hoisted(), final=["m"], words=Words("c_", "m_", "r"), merge=True)
    name_steps(steps, set(), {})
    assert [(step.name, step.title) for step in steps] == [("fit_forest", "Fit a forest")]


def test_what_only_a_shown_metric_is_drawn_on_goes_with_it() -> None:
    cells = cells_of(
        "import matplotlib.pyplot as plt\nfig, ax = plt.subplots()\nax.set_title(f'{f1_score(y, p)}')"
    )
    (title,) = [found for found in cells[0].statements if isinstance(found, ast.Expr)]
    (score,) = [found for found in ast.walk(title) if ast.unparse(found) == "f1_score(y, p)"]
    trim(cells, {title}, set(), Quietness(imported_modules(cells)), shown={title: [score]})
    assert left(cells) == [ast.unparse(title)]


def test_underlined_headings_are_headings() -> None:
    text = "Load the birds\n==============\n\nThey are `small`, see :class:`~zoo.birds.Wren`.\n\nMore\n----\n\n---\n"
    passage = Passage(above=(text,))
    assert headings_of(text) == ["# Load the birds", "## More"]
    assert passage.prose == "They are small, see Wren."


@pytest.mark.parametrize(
    ("above", "later", "title", "own"),
    [
        ("# Survival\nWho lives?", "## Data", "Survival", ""),
        ("# Survival", "# Data", "", "Survival"),
        ("# Survival\n## Load", "## Fit", "Survival", "Load"),
        ("Who lives?", "# Fit", "", ""),
        ("## Load", "text", "", "Load"),
    ],
)
def test_the_title_of_a_notebook_is_none_of_its_first_cell(
    above: str, later: str, title: str, own: str, tmp_path: Path
) -> None:
    kinds = (("markdown", above), ("code", "a = 1"), ("markdown", later), ("code", "b = a"))
    cells = [{"cell_type": kind, "source": text} for kind, text in kinds]
    (tmp_path / "n.ipynb").write_text(json.dumps({"cells": cells}))
    executions = tuple(cell.execution for cell in cells_of("a = 1", "b = a"))
    run = Run(
        run_id="r", experiment="e", status=Status.FINISHED, start_time=now(), cells=executions,
        notebook=str(tmp_path / "n.ipynb"),
    )  # fmt: skip
    words = read_outline(run)
    first = words.get(1)
    assert (first.notebook, first.title) == (title, own) if first else not title
    assert not words[2].notebook


def test_a_step_that_trains_is_not_called_after_what_came_before() -> None:
    cells = cells_of("a, b = train_test_split(c)", "m.fit(a)", heading="")
    cells[0] = replace(cells[0], execution=replace_record(cells[0].execution, heading="Split"))
    steps = group_cells(cells, Hoisted(), final=["m"], words=Words("c_", "m_", "r"), merge=True)
    name_steps(steps, set(), {})
    assert [(step.name, step.title) for step in steps] == [("train_model", "")]


def test_steps_that_score_or_train_several_are_not_called_after_one_part() -> None:
    cells = cells_of("# Train - test split\na, b = train_test_split(c)\nx = logistic(a, b)")
    steps = group_cells(cells, Hoisted(), final=["x"], words=Words("c_", "m_", "r"), merge=True)
    name_steps(steps, set(), {1: ""})
    assert [step.name for step in steps] == ["evaluate"]
    models = cells_of("# Support Vectors\nm = SVC()\nm.fit(a)", "# A Forest\nn = Forest()\nn.fit(a)")
    steps = group_cells(models, Hoisted(), final=["m", "n"], words=Words("c_", "m_", "r"), merge=True)
    name_steps(steps, set(), {})
    assert [(step.name, step.title) for step in steps] == [("train_models", "")]


def test_a_step_does_what_the_functions_do_that_it_calls() -> None:
    (function,) = ast.parse("def go(m):\n    m.fit(1)").body
    (step,) = group_cells(cells_of("score = go(m)"), Hoisted(), final=["score"], words=Words("c", "m_", "r"))
    name_steps([step], {"go"}, {}, {"go": function})
    assert step.name == "train_model"


def test_a_docstring_holds_what_was_written_above() -> None:
    cells = cells_of("a = 1", heading="Load: the data")
    (step,) = group_cells(cells, Hoisted(), final=["a"], words=Words("c", "m", "r"))
    step.prose = "Rows " * 30
    name_steps([step], set(), {})
    first, empty, *rest = docstring_of(step).splitlines()
    assert (first, empty) == ("Load: the data.", "")
    assert max(map(len, rest)) <= 100
    assert " ".join(rest).split() == ["Rows"] * 30
    for title, said in (
        ("3. Models we tried", "Models we tried."),
        ("2.1 Two numbers", "Two numbers."),
        ("3D", "3D."),
    ):
        step.title, step.prose = title, ""
        assert docstring_of(step) == said


@pytest.mark.parametrize(("mutated", "stays"), [(("Model",), True), ((), False)])
def test_a_method_that_was_seen_to_change_its_class_stays(mutated: tuple[str, ...], stays: bool) -> None:
    code = (
        "class Model:\n    seen = []\n    def fit(self, x):\n        self.seen.append(x)\n"
        "toy = Model()\ntoy.fit(1)\nx = len(Model.seen)"
    )
    cells = cells_of(code, mutated=mutated)
    trim(cells, set(), {"x"}, Quietness(imported_modules(cells)))
    assert ("toy.fit(1)" in left(cells)) == stays


@pytest.mark.parametrize(("mutated", "stays"), [(("seen",), True), (("toy",), False), ((), False)])
def test_a_method_that_was_seen_to_change_a_global_stays(mutated: tuple[str, ...], stays: bool) -> None:
    code = (
        "seen = []\nclass Model:\n    def fit(self, x):\n        seen.append(x)\n"
        "toy = Model()\ntoy.fit(1)\nx = len(seen)"
    )
    cells = cells_of(code, mutated=mutated)
    trim(cells, set(), {"x"}, Quietness(imported_modules(cells)))
    assert ("toy.fit(1)" in left(cells)) == stays
