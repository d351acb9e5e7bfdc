"""A long cell becomes the steps its author wrote in it."""

from __future__ import annotations

import ast

from jupyter_mlops.export import codegen, naming
from jupyter_mlops.export.phases import title_of
from jupyter_mlops.export.plan import Cell, Hoisted, KeptCell, Slice, Step, Words
from jupyter_mlops.export.sections import divide
from jupyter_mlops.export.sites import find_sites
from jupyter_mlops.export.steps import group_cells, prepare_cells
from jupyter_mlops.export.type_hints import Annotations
from jupyter_mlops.records import Execution, MetricDetail

WORDS = Words(config="config", metrics="metrics", result="result")
RULED = """# ==============
# 1. Load the data
# ==============
df = pd.read_csv("a.csv")
df = df.dropna()
df = df.reset_index()
size = len(df)
wide = size > 2
# ==============
# 2. Make features
# ==============

# the categories
a = df["a"] + wide
b = df["b"]
c = df["c"]
d = df["d"]
X = stack(a, b, c, d)
X = scaled(X)
# ==============
# 3. Train
# ==============
model = Ridge()
model.fit(X, a)
score = model.score(X, a)
"""


def cell_of(code: str, **fields: object) -> Cell:
    execution = Execution(execution_id="1", session_id="s", order=1, source=code, code=code, **fields)  # type: ignore[arg-type]
    return prepare_cells([execution], Slice(kept=(KeptCell(order=1, reason=""),)))[0]


def first_names(cells: list[Cell]) -> list[str]:
    return [ast.unparse(cell.statements[0]).split(" ")[0] for cell in cells]


def test_rules_and_numbers_begin_sections_and_give_their_titles() -> None:
    pieces = divide(cell_of(RULED, heading="Everything"), len, 8)
    assert first_names(pieces) == ["df", "a", "model"]
    assert [title_of(piece) for piece in pieces] == ["Everything", "2. Make features", "3. Train"]
    assert [(piece.begins, piece.ends) for piece in pieces] == [(True, False), (False, False), (False, True)]


def test_short_cells_stay_whole_and_plain_ones_are_cut_at_paragraphs() -> None:
    assert len(divide(cell_of(RULED), len, 20)) == 1
    paragraphs = divide(cell_of("a = 1\nb = 2\n\nc = 3\n# and then\nd = 4\ne = 5\n"), len, 2)
    assert first_names(paragraphs) == ["a", "c", "d"]
    text = divide(cell_of('a = """\n\n# 1. Not a section\n"""\nb = 2\nc = 3\n'), len, 2)
    assert first_names(text) == ["a"]


def test_a_section_whose_first_statements_are_gone_begins_with_what_is_left() -> None:
    cell = cell_of("# 1. One\nimport os\na = 1\n# 2. Two\nprint(a)\n\nb = a\nc = b\n")
    cell.statements = [cell.source.tree.body[1], *cell.source.tree.body[3:]]
    pieces = divide(cell, len, 2)
    assert first_names(pieces) == ["a", "b"]
    assert title_of(pieces[1]) == "2. Two"


def test_a_pasted_script_becomes_steps_with_names_and_honest_types() -> None:
    extra = "".join(f"a{n} = df[{n}]\n" for n in range(20))
    code = RULED.replace("c = df", f"{extra}c = df")
    cell = cell_of(code, types={"df": "pandas.DataFrame", "X": "numpy.ndarray", "a": "pandas.Series"})
    steps = group_cells([cell], Hoisted(), final=["model"], words=WORDS, merge=True)
    naming.name_steps(steps, set(), {})
    assert [step.name for step in steps] == ["load_data", "make_features", "train_model"]
    known = Annotations([cell], Hoisted(), {}, set())
    body = cell.source.tree.body
    # Between its two bindings nobody knows what `X` was; `df` is bound before, and `X` is whole at the end.
    last = next(node for node in body if ast.unparse(node).startswith("X = scaled"))
    assert known.of("X", (1, last)) == "Any"
    assert known.of("df", (1, last)) == "pd.DataFrame"
    assert known.of("X", (1, None)) == "np.ndarray"
    writer = codegen.Writer(WORDS, Hoisted(), known.of, set())
    plan = codegen.Plan(title="t", steps=steps, before={1: ["begin()"]}, after={1: ["end()"]})
    text = writer.script(plan)
    assert text.count("begin()") == text.count("end()") == 1
    assert "=====" not in text
    assert "# the categories" in text


def test_comments_that_only_draw_lines_or_switch_code_off_go() -> None:
    code = (
        "# %load net.py\n# ---------\n# w = weights(30)\n# w = (30, 1)\n# plot it\na = '''\n# ====\n'''\n"
        "for b in c:\n    # d(b)\n    e(b)\n"
    )
    step = Step("make", "", [cell_of(code)], outputs=["a"])
    writer = codegen.Writer(WORDS, Hoisted(), lambda *_: "str", set())
    text = writer.step(step, codegen.Plan(title="t", steps=[step]))
    assert "# w = (30, 1)" in text
    assert "# plot it" in text
    assert "# ====" in text  # within a text
    assert "# -----" not in text
    assert "weights" not in text
    assert "d(b)" not in text
    assert "%load" not in text


def test_the_last_number_of_a_history_is_the_last_however_long_it_gets() -> None:
    cell = cell_of("m.fit(X)\n")
    path = ("valid", "rmse", 133)
    details = {
        "rmse": MetricDetail(origin="fitted", expression="m.evals_result_", order=1, path=path),
        "other": MetricDetail(origin="fitted", expression="m.coef_", order=1, path=("a", 3)),
    }
    sites, _ = find_sites(details, [cell])
    assert [site.path for site in sites] == [("valid", "rmse", -1), ("a", 3)]
