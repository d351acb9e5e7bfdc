"""Edits in place leave everything else as its author wrote it."""

from __future__ import annotations

import ast

from jupyter_mlops.export.source import Source, comments, indented, segments

CODE = "größe = 1  # how big\n# about the sum\nsumme = größe + 2; rest = 3\n"


def first(source: Source, kind: type, **fields: object) -> ast.AST:
    return next(
        node
        for node in ast.walk(source.tree)
        if isinstance(node, kind) and all(getattr(node, key) == value for key, value in fields.items())
    )


def rendered(source: Source) -> str:
    return source.render(0, len(source.data))


def test_columns_count_bytes() -> None:
    source = Source(CODE)
    source.replace(first(source, ast.Constant, value=2), "config.two")
    assert rendered(source) == CODE.replace("+ 2", "+ config.two")


def test_names_inside_an_f_string() -> None:
    source = Source("print(f\"{a:.2f} of {d['k']}\", a)  # shown")
    inside = [node for node in ast.walk(source.tree) if isinstance(node, ast.Name) and node.id == "a"]
    for node in inside:
        source.replace(node, "config.a")
    text = rendered(source)
    assert text.endswith(", config.a)  # shown")
    assert ast.dump(ast.parse(text)) == ast.dump(
        ast.parse("print(f\"{config.a:.2f} of {d['k']}\", config.a)")
    )
    string_node = next(node for node in inside if source.inside_string(node))
    assert source.text(string_node) == "config.a"


def test_an_outer_edit_swallows_those_inside() -> None:
    source = Source("total = f(a, b)")
    source.replace(first(source, ast.Name, id="a"), "x")
    call = first(source, ast.Call)
    source.replace(call, f"note({source.text(call)})")
    assert rendered(source) == "total = note(f(x, b))"


def test_statements_are_added_at_their_own_depth() -> None:
    source = Source("for i in x:\n    if i:\n        a = i  # here\n    b = 2\n")
    source.add_after(next(source.ancestors(first(source, ast.Name, id="a"))), ["m['a'] = a", "n = 1"])
    assert (
        rendered(source)
        == "for i in x:\n    if i:\n        a = i  # here\n        m['a'] = a\n        n = 1\n    b = 2\n"
    )


def test_statements_are_added_on_a_shared_line() -> None:
    source = Source("a = 1; b = 2\n")
    source.add_after(source.tree.body[0], ["c = 3"])
    assert rendered(source) == "a = 1; c = 3; b = 2\n"


def test_segments_hold_comments_and_cover_statements_on_one_line() -> None:
    source = Source(CODE)
    texts = [source.render(*place) for place in segments(source).values()]
    assert texts == ["größe = 1  # how big", "# about the sum\nsumme = größe + 2", "rest = 3"]


def test_dropping_takes_the_comment_above_along() -> None:
    source = Source(
        "for i in x:\n    a = i\n    # every tenth\n    # step\n    if i:\n        print(i)\n    b = 2\n"
    )
    source.drop(first(source, ast.If))  # type: ignore[arg-type]
    assert rendered(source) == "for i in x:\n    a = i\n    b = 2\n"


def test_indenting_leaves_the_lines_of_texts_alone() -> None:
    code = 'a = """one\n  two\n"""\nif a:\n    b = f"""\n{a}\n"""'
    moved = indented(code)
    assert moved == '    a = """one\n  two\n"""\n    if a:\n        b = f"""\n{a}\n"""'
    scope: dict[str, object] = {}
    exec(f"def f():\n{moved}\n    return a, b", scope)
    plain: dict[str, object] = {}
    exec(code, plain)
    assert scope["f"]() == (plain["a"], plain["b"])  # type: ignore[operator]


def test_comments_without_their_marks() -> None:
    assert comments("# ## Load # data\nx = '# no'  #: size\n#%%\n") == ["Load # data", ": size"]


def test_a_semicolon_at_the_end_of_a_line_begins_nothing() -> None:
    source = Source("plot(x);\na = 1; label('y') ;  # shown\n# what follows\nb = a")
    texts = [source.render(*place) for place in segments(source).values()]
    assert [ast.unparse(ast.parse(text)) for text in texts] == ["plot(x)", "a = 1", "label('y')", "b = a"]
    assert "# what follows" in texts[-1]
