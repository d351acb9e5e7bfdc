"""Names of steps: a verb and its object, from what their author says, what they do and what they bind."""

from __future__ import annotations

import ast
import keyword
import re
import textwrap
import unicodedata
from pathlib import PurePath
from typing import TYPE_CHECKING

from .phases import called_names, heading_of, loads_data, phase_of, prepares, title_of, trains
from .references import BUILTINS, last_name, references

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from .plan import Step

_LONGEST = 40
#: A name of so few letters says nothing.
_SHORTEST = 2
_WIDTH = 100
_MOST_PROSE = 400
_FILLER = frozenset(
    """
    a an the and or of for to in on with by from at as is are be this that these those we our my us i
    let lets now here then so first next some all it its into using use will can do step cell section
    part out up get simple basic
    """.split()
)
_VERBS = frozenset(
    """
    load read fetch download prepare preprocess clean split train fit build make create compute
    calculate evaluate score test validate compare select scale encode impute fill add remove drop tune
    search predict plot show explore inspect define engineer extract merge join filter transform
    normalize standardize generate sample set run check tokenize vectorize reduce cluster optimize
    estimate simulate convert rename save write export measure find initialize visualize analyse analyze
    forecast label balance augment shuffle group aggregate resample baseline report count summarize try
    """.split()
) - {"baseline"}
#: Verbs that are nouns where they stand last.
_NOUNS = frozenset(
    "sample set test report count label group filter check plot search sort score balance try".split()
)
_PREPOSITIONS = frozenset("of for in on with by from at as per".split())
#: Nouns that people put above a cell for what it does.
_DOING = {
    "evaluation": "evaluate",
    "preparation": "prepare",
    "visualization": "visualize",
    "visualisation": "visualize",
    "selection": "select",
    "creation": "create",
    "comparison": "compare",
    "prediction": "predict",
    "predictions": "predict",
    "transformation": "transform",
    "normalization": "normalize",
    "standardization": "standardize",
    "imputation": "impute",
    "extraction": "extract",
    "generation": "generate",
    "validation": "validate",
    "optimization": "optimize",
    "initialization": "initialize",
    "definition": "define",
    "setup": "set_up",
    "results": "evaluate",
}


#: What is done before anything is trained, and what is shown of it.
_BESIDE = frozenset(
    "load read fetch download import split clean prepare explore plot visualize show inspect".split()
)
_BEFORE = frozenset("load read fetch download import split".split())
#: Names that models have.
_MODEL = re.compile(r"model|net|clf|pipe|classifier|regressor|estimator", re.IGNORECASE)
#: What a loading function is called after and says nothing of the data.
_FORMATS = frozenset("csv excel parquet json table feather pickle sql hdf html fwf pandas data".split())


def name_steps(
    steps: Sequence[Step],
    taken: Collection[str],
    labels: Mapping[int, str],
    functions: Mapping[str, ast.AST] | None = None,
) -> None:
    """Give every step its title and a name that nothing in the user's code has, in place.

    Args:
        steps: The steps, in order.
        taken: Names that live at the top of the script.
        labels: What a person called the execution of an order.
        functions: The functions at the top of the script: a step does what those do that it calls.
    """
    used = set(taken) | set(BUILTINS)
    given: set[str] = set()
    for step in steps:
        used.update(found.name for cell in step.cells for found in references(cell.statements))
    for step in steps:
        phase = phase_of(_statements(step), functions)
        if phase == "load" and trains(_statements(step), functions):
            phase = "train"  # what all of it is for
        elif phase == "split" and any(cell.order in labels and cell.ends for cell in step.cells):
            phase = "evaluate"  # the run's own last lines
        step.title = _title(step, phase, functions)
        label = next(filter(None, (slug(labels.get(cell.order, "")) for cell in step.cells if cell.ends)), "")
        base = _said(step.title) or _guess(step, phase, label, labels)
        if base in _VERBS:
            base = slug(f"{base} {_object(step, base)}")
        if base in used and base not in given and f"{base}_data" not in used:
            base = f"{base}_data" if base.startswith(("load", "make", "split", "prepare")) else f"run_{base}"
        if base in used and base.startswith("evaluate"):
            base = slug(f"{base} {_last_bound(step)}")
        name, number = base, 2
        while name in used:
            name = f"{base}_{number}"
            number += 1
        used.add(name)
        given.add(name)
        step.name = name


def _statements(step: Step) -> list[ast.stmt]:
    return [statement for cell in step.cells for statement in cell.statements]


def _title(step: Step, phase: str, functions: Mapping[str, ast.AST] | None) -> str:
    """The title of the cell that does what the step is there for, else the first heading there is."""
    doing = [cell for cell in step.cells if phase_of(cell.statements, functions) == phase]
    headings = _main_heading(step) if phase == "load" else [heading_of(cell) for cell in step.cells]
    others = [*headings, title_of(step.cells[0])]
    titles = [*map(heading_of, doing), *map(title_of, doing), *others]
    if phase == "train":  # what was done before it, or shown of it, is no name for it
        titles = [title for title in titles if _said(title).partition("_")[0] not in _BESIDE]
    if phase in ("train", "evaluate"):
        found = [title for title in dict.fromkeys(map(title_of, doing)) if title]
        if len(found) > 1 and not any(map(_said, found)):
            return ""  # several models, each under its own name
    if phase == "evaluate":
        titles = [title for title in titles if _said(title).partition("_")[0] not in _BEFORE]
    return next(filter(None, titles), "")


def _main_heading(step: Step) -> list[str]:
    """The heading that most of a step stands under."""
    counts: dict[str, int] = {}
    current = ""
    for cell in step.cells:
        current = heading_of(cell) or current
        counts[current] = counts.get(current, 0) + len(cell.statements)
    most = max(counts, key=lambda heading: counts[heading])
    return [most] if 2 * counts[most] >= sum(counts.values()) else []


def _object(step: Step, verb: str) -> str:
    """What a verb alone is done to: the one thing a step gives, else the data."""
    if verb in ("evaluate", "train", "fit", "predict"):
        return "" if verb == "evaluate" else "model"
    telling = [name for name in step.outputs if len(name) > _SHORTEST]
    return telling[0] if len(step.outputs) == 1 and telling else "data"


def _said(title: str) -> str:
    """The name that a title's own verb gives; ``""`` if there is none in it."""
    # What stands in parentheses is an aside.
    title = re.sub(r"(?<=\w)\s*\([^()]*\)", "", title)
    words = [word for word in slug(title, words=12).split("_") if word]
    if not words:
        return ""
    if {"train", "test", "split"} <= {*words}:
        return "split_data"
    for index in (0, len(words) - 1):
        verb = _verb(words[index])
        if verb and not _is_noun(words[index], index, title):
            rest = words[1:] if index == 0 else words[:-1]
            if verb in _BEFORE and rest and (_FORMATS - {"data"}).issuperset(rest):
                return ""  # it says how, and not what
            objects = [word for word in rest if not _verb(word)] if index else rest
            objects = ["features" if word == "feature" and index else word for word in objects]
            return slug(" ".join([verb.replace("_", " "), *objects]), words=4) if verb != "set_up" else verb
    return ""


def _is_noun(word: str, index: int, title: str) -> bool:
    """Whether a word that may be a verb is none where it stands: ``out of sample``, ``the test set``."""
    before = re.findall(r"\w+", title.lower().partition(word)[0])
    return bool(_PREPOSITIONS & {*before[-1:]}) or (index > 0 and word in _NOUNS)


def _verb(word: str) -> str:
    """``load`` for load, loads and loading, ``evaluate`` for evaluation; ``""`` for what is no doing."""
    word = re.sub(r"is(e|ed|es|ing|ation)$", r"iz\1", word) if word not in _VERBS else word
    if word in _VERBS:
        return word
    if word in _DOING:
        return _DOING[word]
    if word.endswith("ing"):
        stem = word[:-3]
        for base in (stem, f"{stem}e", stem[:-1]):
            if base in _VERBS:
                return base
    return ""


def _guess(step: Step, phase: str, label: str, labels: Mapping[int, str]) -> str:
    """A name from what a step does and binds, and from what a person called it."""
    statements = _statements(step)
    calls = called_names(statements)
    thing = next((name for name in step.outputs if name.lower() not in ("x", "y")), "")
    if phase == "load":
        return slug(f"load {_loaded(statements) or thing or 'data'}")
    if phase == "train":
        return slug(f"train {label or _fitted(statements, step.outputs)}")
    if phase == "split":
        return "split_data"
    if phase == "evaluate":
        return slug(f"evaluate {label}")
    if label:
        return label
    if calls and all("seed" in call for call in calls):
        return "set_seed"
    if any(cell.order in labels and cell.ends for cell in step.cells):
        return "evaluate"
    if not step.outputs and any(map(_writes, calls)):
        return slug(f"{'save' if step.inputs else 'make'} {_written(statements)}")
    if all(isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) for found in statements):
        return slug(f"define {thing}")
    built = [name for name in step.outputs if _is_built(name, statements)]
    if built:
        return f"build_{slug(built[0])}" if len(built) == 1 and len(built[0]) > _SHORTEST else "build_models"
    if len(step.outputs) > 2 or (step.outputs and not thing):
        return "prepare_data"
    if thing:
        return slug(f"{'prepare' if thing in step.inputs else 'make'} {thing}")
    return slug(f"prepare {step.inputs[0]}") if step.inputs else "prepare"


def _writes(call: str) -> bool:
    return call.startswith(("to_", "save", "dump", "write"))


def _written(statements: Sequence[ast.stmt]) -> str:
    """What the file that statements write is called after, else ``data``."""
    for statement in statements:
        for node in ast.walk(statement):
            if isinstance(node, ast.Call) and _writes(last_name(node.func)):
                texts = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant)]
                names = [text for text in texts if isinstance(text, str) and "." in text and "\n" not in text]
                found = min(names, key=len, default="")
                stem = PurePath(found).stem
                return stem if len(stem) > _SHORTEST else "data"
    return "data"


def _is_built(name: str, statements: Sequence[ast.stmt]) -> bool:
    """Whether a name that sounds like a model is bound to a new object of some class."""
    return bool(_MODEL.search(name)) and any(
        isinstance(node, ast.Assign)
        and getattr(node.targets[0], "id", "") == name
        and any(
            isinstance(part, ast.Call) and last_name(part.func)[:1].isupper() for part in ast.walk(node.value)
        )
        for statement in statements
        for node in ast.walk(statement)
    )


def _fitted(statements: Sequence[ast.stmt], outputs: Sequence[str]) -> str:
    """What is fitted: the one name that ``fit`` is called on, ``models`` where there are several."""
    names = {
        node.func.value.id
        for statement in statements
        for node in ast.walk(statement)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr.startswith("fit")
        and node.func.attr != "fit_transform"
        and isinstance(node.func.value, ast.Name)
        and not prepares(node.func.value.id)
        and not prepares(_class_of(node.func.value.id, statements))
    }
    bound = [
        statement.targets[0].id
        for statement in statements
        if isinstance(statement, ast.Assign)
        and isinstance(statement.targets[0], ast.Name)
        and isinstance(statement.value, ast.Call)
        and getattr(statement.value.func, "attr", "") == "fit"
    ]
    if len(names | set(bound)) > 1:
        return "models"
    plain = [name for name in outputs if _MODEL.search(name)]
    found = next(iter([*names, *bound, *plain]), "model")
    return found if len(found) > _SHORTEST else _class_of(found, statements) or "model"


def _class_of(name: str, statements: Sequence[ast.stmt]) -> str:
    """What is bound to a name that says nothing: ``LogisticRegression`` for ``m = LogisticRegression()``."""
    for statement in statements:
        for node in ast.walk(statement):
            if (
                isinstance(node, ast.Assign)
                and isinstance(node.targets[0], ast.Name)
                and node.targets[0].id == name
            ):
                for call in ast.walk(node.value):
                    made = call.func if isinstance(call, ast.Call) else None
                    called = last_name(made)
                    if called[:1].isupper():
                        return re.sub(r"(?<=.)(Classifier|Regressor|CV)$", "", called)
    return ""


def _last_bound(step: Step) -> str:
    found = [
        reference.name
        for cell in step.cells
        for reference in references(cell.statements)
        if reference.context == "store" and not reference.deferred
    ]
    return found[-1] if found else ""


def _loaded(statements: Sequence[ast.stmt]) -> str:
    """The name that the first loading call is bound to."""
    for statement in statements:
        if isinstance(statement, ast.Assign):
            for node in ast.walk(statement.value):
                called = node.func if isinstance(node, ast.Call) else None
                name = last_name(called)
                if loads_data(name):
                    found = getattr(statement.targets[0], "id", "")
                    if len(found) > _SHORTEST:
                        return found
                    said = name.partition("_")[2]
                    return "data" if said in _FORMATS else said or found
    return ""


def slug(text: str, *, words: int = 5) -> str:
    """A function name from words of a person, ``""`` if there is nothing in them to use."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])|(?<=[A-Z]{2})(?=[A-Z][a-z]{2})", "_", plain).lower()
    plain = re.sub(r"'s\b|'", "", plain)
    plain = re.sub(r"^\W*(?:step|part|section)?\s*[\divx]*[.):]\s+", "", plain)
    found = [word for word in re.findall(r"[a-z0-9_]+", plain) if word.strip("_")]
    kept = [word for word in found if word not in _FILLER] or found
    while kept and kept[0][0].isdigit():
        kept.pop(0)
    name = ""
    for word in kept[:words]:
        longer = f"{name}_{word}" if name else word
        if len(longer) > _LONGEST:
            break
        name = longer
    name = name.strip("_")
    return f"{name}_" if keyword.iskeyword(name) or keyword.issoftkeyword(name) else name


def wrapped(text: str) -> list[str]:
    """What a person wrote, in lines for comments."""
    plain = "".join(letter if letter.isprintable() else " " for letter in text)
    return textwrap.wrap(textwrap.shorten(plain, _MOST_PROSE, placeholder=" …"), _WIDTH)


def docstring_of(step: Step) -> str:
    """What its author says a step does, in a line and a paragraph; ``""`` where that is its name again."""
    text = " ".join((step.title or step.name.replace("_", " ")).split())
    text = re.sub(r"^(\d+(\.\d+)*[.):]?|[ivxIVX]+[.)])\s+(?=\w)", "", text)
    if not step.prose and slug(text, words=9) == step.name:
        return ""
    line = text[:1].upper() + text[1:].rstrip(".:") + ("" if text.endswith(("?", "!", "…")) else ".")
    prose = textwrap.shorten(step.prose, _MOST_PROSE, placeholder=" …") if step.prose else ""
    if len(line) > _WIDTH:
        first, *rest = textwrap.wrap(line, _WIDTH)
        return "\n".join([first, *rest, *(["", *textwrap.wrap(prose, _WIDTH)] if prose else [])]) + "\n"
    return "\n".join([line, "", *textwrap.wrap(prose, _WIDTH)]) + "\n" if prose else line
