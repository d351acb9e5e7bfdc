"""Whatever comes in: random texts and random filters, from a fixed seed."""

from __future__ import annotations

import random
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from jupyter_mlops.errors import FilterError, MlopsError, PromotionError
from jupyter_mlops.records import PipelineVersion, ValidationReport, now
from jupyter_mlops.store.schema import escape, unescape
from jupyter_mlops.store.sqlite import like

LETTERS = [
    "a",
    "B",
    "é",
    "\0",
    "\ud800",
    "\udfff",
    "\uf8f0",
    "d800",
    "0000",
    "😀",
    "'",
    '"',
    "%",
    "_",
    "\\",
    "\n",
]
WORDS = [
    *(
        "metrics.acc",
        "params.lr",
        "tags.t",
        "status",
        "name",
        "start_time",
        "duration",
        "metrics.`a b`",
        "wrong",
    ),
    *("=", "!=", "<", ">=", "LIKE", "ILIKE", "IN", "NOT", "AND", "OR", "IS", "NULL", "(", ")", ","),
    *("1", "-0.5", "1e400", "inf", "nan", "true", "'x'", '"y"', "'%a_'", "'2026-01-01'", "`", "'", "$", ";"),
]


def test_escaped_text_is_fit_for_a_database_and_comes_back():
    chance = random.Random(1)
    for _ in range(5000):
        text = "".join(chance.choices(LETTERS, k=chance.randrange(8)))
        escaped = escape(text)
        assert unescape(escaped) == text
        assert "\0" not in escaped
        escaped.encode()
        if escaped != text:
            assert re.search("[\0\ud800-\udfff\uf8f0]", text)


def test_like_agrees_with_a_regular_expression():
    chance = random.Random(2)
    for _ in range(20_000):
        text = "".join(chance.choices("abA.\n", k=chance.randrange(7)))
        pattern = "".join(chance.choices("abA.%_\n", k=chance.randrange(6)))
        insensitive = chance.random() < 0.5
        parts = [{"%": ".*", "_": "."}.get(letter, re.escape(letter)) for letter in pattern]
        flags = re.DOTALL | (re.IGNORECASE if insensitive else 0)
        expected = re.fullmatch("".join(parts), text, flags) is not None
        assert bool(like(text, pattern, int(insensitive))) is expected, (text, pattern)


def random_filter(chance):
    """Mostly a field, an operator and a value, joined; now and then a word that does not belong."""
    words = []
    for _ in range(chance.randrange(1, 4)):
        condition = [chance.choice(WORDS[:9]), chance.choice(WORDS[9:15]), chance.choice(WORDS[24:34])]
        if chance.random() < 0.3:
            condition = [
                condition[0],
                *chance.choice([["IN", "(", condition[2], ")"], ["IS", "NOT", "NULL"]]),
            ]
        words += [*condition, chance.choice(["AND", "OR", "AND NOT"])]
    words.pop()
    if chance.random() < 0.3:
        words.insert(chance.randrange(len(words) + 1), chance.choice(WORDS))
    return " ".join(words)


def test_a_random_filter_runs_or_is_refused_in_a_sentence(shared_store, make_shared_run):
    shared_store.save_run(make_shared_run(metrics={"acc": 0.5}, params={"lr": "x"}, tags={"t": "x"}))
    chance = random.Random(3)
    accepted, refusals = 0, []
    for index in range(1500):
        text = (
            random_filter(chance) if index % 2 else " ".join(chance.choices(WORDS, k=chance.randrange(1, 9)))
        )
        try:
            shared_store.count(text)
            accepted += 1
        except FilterError as error:
            refusals.append(error.message)
    assert accepted > 50
    assert len(refusals) > 500
    assert all(re.search(r"at character \d+", message) for message in refusals)


def test_a_random_valid_filter_partitions_the_runs(shared_store, make_shared_run):
    """A run is kept by a filter, or by its negation, or (a value is missing) by neither: never by both."""
    for index in range(12):
        shared_store.save_run(
            make_shared_run(
                name=f"run {index}",
                metrics={"acc": [0.1, float("nan"), float("inf")][index % 3]} if index % 4 else {},
                params={"lr": [1, "x", None, float("nan"), True][index % 5]} if index % 7 else {},
                tags={"t": "x" * index} if index % 2 else {},
            )
        )
    chance = random.Random(4)
    simple = [
        *("metrics.acc > 0.5", "metrics.acc != 0.1", "metrics.acc IN (0.1, inf)", "metrics.acc IS NULL"),
        *(
            "params.lr = 1",
            "params.lr != 'x'",
            "params.lr > 0",
            "params.lr IN (1, 'x')",
            "params.lr LIKE '%'",
        ),
        *("tags.t LIKE 'xx%'", "tags.t NOT IN ('x', 'xxx')", "tags.t IS NOT NULL", "number > 5"),
        *("status = 'FINISHED'", "name ILIKE 'RUN 1%'", "duration < 1", "start_time > '2026-11-01'"),
    ]

    def build(depth):
        if depth == 0 or chance.random() < 0.3:
            return chance.choice(simple)
        if chance.random() < 0.3:
            return f"NOT ({build(depth - 1)})"
        return f"({build(depth - 1)}) {chance.choice(['AND', 'OR'])} ({build(depth - 1)})"

    def kept(text):
        return {run.run_id for run in shared_store.search(text)}

    for _ in range(60):
        text = build(3)
        yes, no = kept(text), kept(f"NOT ({text})")
        assert not yes & no, text
        assert kept(f"NOT (NOT ({text}))") == yes, text


@pytest.mark.parametrize("attempts", [12])
def test_only_one_of_many_promotions_at_once_wins(store, attempts):
    for number in range(1, attempts + 1):
        store.add_version(
            PipelineVersion(
                name="churn",
                version=number,
                path="/p",
                status="validated",
                run_id="r",
                created_at=now(),
                report=ValidationReport(verdict="validated"),
            )
        )

    def promote(number):
        try:
            return store.move_alias("churn", "champion", number, expected=None)
        except PromotionError:
            return None

    with ThreadPoolExecutor(attempts) as pool:
        won = [move for move in pool.map(promote, range(1, attempts + 1)) if move]
    assert len(won) == len(store.alias_log("churn")) == 1
    assert store.get_version("churn", won[0].to_version).aliases == ("champion",)


def test_random_references_find_or_say_so(shared_store):
    chance = random.Random(5)
    refusals = []
    for _ in range(300):
        ref = "".join(chance.choices([*LETTERS, "#", "1", "last", "best:", " "], k=chance.randrange(1, 6)))
        try:
            assert isinstance(shared_store.resolve(ref), str)
        except MlopsError as error:
            refusals.append(error)
    assert len(refusals) > 100
    assert all(error.message and error.hint for error in refusals)
