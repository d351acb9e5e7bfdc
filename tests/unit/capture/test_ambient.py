"""State outside the namespace: what a cell draws from and what it sets."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import sklearn

from jupyter_mlops.capture.ambient import ambient_use, changes, snapshot
from jupyter_mlops.capture.names import cell_names

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _restored(tmp_path: Path) -> Iterator[None]:
    folder, path, environ = Path.cwd(), list(sys.path), dict(os.environ)
    states = random.getstate(), np.random.get_state(), np.geterr()
    os.chdir(tmp_path)
    snapshot()
    yield
    os.chdir(folder)
    sys.path[:] = path
    os.environ.clear()
    os.environ.update(environ)
    random.setstate(states[0])
    np.random.set_state(states[1])
    np.seterr(**states[2])
    pd.reset_option("display.max_rows")
    sklearn.set_config(transform_output="default")


def use(code: str, namespace: dict[str, Any] | None = None) -> tuple[set[str], set[str]]:
    space = {
        "__name__": "__main__",
        "np": np,
        "random": random,
        "os": os,
        "sys": sys,
        "pd": pd,
        "sklearn": sklearn,
    }
    space |= namespace or {}
    before = snapshot()
    exec(code, space)
    reads, writes = ambient_use(cell_names(code), before, snapshot(), space)
    return set(reads), set(writes)


@pytest.mark.parametrize(
    ("code", "reads", "writes"),
    [
        ("x = 1", set(), set()),
        ("np.random.rand()", {"rng:numpy"}, {"rng:numpy"}),
        ("random.random()", {"rng:random"}, {"rng:random"}),
        ("np.random.seed(0)", set(), {"rng:numpy"}),
        ("np.random.seed(0); np.random.rand()", set(), {"rng:numpy"}),
        ("np.random.rand(); np.random.seed(0)", {"rng:numpy"}, {"rng:numpy"}),
        ("random.seed(1)", set(), {"rng:random"}),
        ("np.random.default_rng(0).random()", set(), set()),
        ("np.random.RandomState(0).rand()", set(), set()),
        ("from sklearn.utils import shuffle; shuffle([1, 2, 3])", {"rng:numpy"}, {"rng:numpy"}),
        ("os.chdir('..')", {"cwd"}, {"cwd"}),
        ("os.chdir('/')", set(), {"cwd"}),
        ("os.environ['A_NAME'] = 'x'", {"environ"}, {"environ"}),
        ("os.getenv('HOME')", {"environ"}, set()),
        ("sys.path.insert(0, '/nowhere')", set(), {"sys.path"}),
        ("pd.set_option('display.max_rows', 7)", set(), {"options:display"}),
        ("np.seterr(divide='raise')", set(), {"options:numpy"}),
        ("sklearn.set_config(transform_output='pandas')", set(), {"options:sklearn"}),
        ("pd.DataFrame({'a': [1]}).describe()", set(), set()),
    ],
)
def test_what_a_cell_reads_and_sets(code: str, reads: set[str], writes: set[str]) -> None:
    assert use(code) == (reads, writes)


def test_seeding_again_with_the_same_seed_still_sets() -> None:
    np.random.seed(0)
    assert use("np.random.seed(0)") == (set(), {"rng:numpy"})


def test_a_seed_set_inside_a_function_of_the_notebook_is_seen() -> None:
    space: dict[str, Any] = {
        "__name__": "__main__",
        "np": np,
        "random": random,
        "os": os,
        "sys": sys,
        "pd": pd,
    }
    exec("def reseed(n):\n    random.seed(n)\n    np.random.seed(n)\ndef main():\n    reseed(3)", space)
    before = snapshot()
    space["main"]()
    names = cell_names("main()")
    assert ambient_use(names, before, snapshot(), space) == (frozenset(), {"rng:random", "rng:numpy"})
    before = snapshot()
    space["main"]()
    np.random.rand()
    assert ambient_use(names, before, snapshot()) == ({"rng:numpy"}, {"rng:numpy"})


@pytest.mark.parametrize(
    ("seed", "draw", "state"),
    [
        ("np.random.seed(0)", "np.random.randn()", "rng:numpy"),
        ("random.seed(0)", "random.gauss(0, 1)", "rng:random"),
    ],
)
def test_the_second_number_of_a_pair_is_a_draw_too(seed: str, draw: str, state: str) -> None:
    exec(f"{seed}; {draw}", {"np": np, "random": random})
    # What is left of a pair is taken, and the generator behind it stays where it is.
    assert use(draw) == ({state}, {state})


def test_a_state_that_is_looked_at_or_put_back_has_not_moved() -> None:
    kept = np.random.get_state(), random.getstate()
    before = snapshot()
    np.random.get_state()
    np.random.randn()
    random.random()
    assert changes(before, snapshot()) == {"rng:numpy", "rng:random"}
    np.random.set_state(kept[0])
    random.setstate(kept[1])
    assert changes(before, snapshot()) == frozenset()


@pytest.mark.filterwarnings("ignore:get_state and legacy:RuntimeWarning")
def test_another_generator_behind_numpys_functions() -> None:
    kept = np.random.get_bit_generator()
    try:
        np.random.set_bit_generator(np.random.PCG64(0))
        assert use("x = 1") == (set(), set())
    finally:
        np.random.set_bit_generator(kept)


def test_numpys_generator_under_the_name_of_the_other() -> None:
    assert use("random.seed(1)", {"random": np.random}) == (set(), {"rng:numpy"})


def test_an_option_is_read_only_while_it_is_not_what_it_was_at_first() -> None:
    assert use("x = 1")[0] == set()
    use("np.seterr(divide='raise')")
    assert use("x = 1")[0] == {"options:numpy"}


def test_a_changed_folder_is_read_where_a_relative_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "data.csv").write_text("a\n1\n")
    use(f"os.chdir({str(tmp_path / 'inner')!r})")
    assert use("pd.read_csv('data.csv')")[0] == {"cwd"}
    assert use("x = 1")[0] == set()


def test_the_changed_path_is_read_by_imports() -> None:
    use("sys.path.insert(0, '/nowhere')")
    assert use("import json")[0] == {"sys.path"}
    assert use("x = 1")[0] == set()


def test_a_state_that_only_appears_has_not_changed() -> None:
    assert changes({}, {"rng:torch": "1"}) == frozenset()
    assert changes({"cwd": "/a"}, {"cwd": "/b"}) == {"cwd"}


def test_a_library_loaded_and_drawn_from_in_one_cell_is_read() -> None:
    after = snapshot()
    before = {name: value for name, value in after.items() if name != "rng:numpy"}
    names = cell_names("import numpy as np\nnp.random.rand()")
    assert ambient_use(names, before, after) == ({"rng:numpy"}, {"rng:numpy"})


def test_a_snapshot_takes_nothing_from_the_generators() -> None:
    random.seed(0)
    np.random.seed(0)
    expected = random.random(), np.random.rand()
    random.seed(0)
    np.random.seed(0)
    snapshot()
    assert (random.random(), np.random.rand()) == expected
