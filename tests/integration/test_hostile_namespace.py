"""What people have in their namespaces, at its worst: the cell runs as if untracked, and ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kernels import Kernel

if TYPE_CHECKING:
    from collections.abc import Iterator

SETUP = r"""
import threading, time
import numpy as np, pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, confusion_matrix
_touched = []
_NAMES = (
    "__repr__ __str__ __eq__ __ne__ __lt__ __hash__ __bool__ __len__ __iter__ __next__ __contains__ __getitem__ "
    "__getattr__ __array__ __reduce_ex__ __format__ __float__ __index__ __int__ __copy__ __deepcopy__ "
    "__sizeof__ __dir__ __fspath__ __array_interface__ __dataframe__ __torch_function__ _repr_html_"
).split()
def _make(name, how, base=object):
    def method(*args, **kwargs):
        _touched.append((name, how))
        return how()
    body = dict.fromkeys(_NAMES, method)
    if name == "Liar":
        body["__class__"] = property(lambda self: pd.DataFrame)
    if base is dict:
        del body["__repr__"]
    return type(name, (base,), body)
def _refuse():
    raise RuntimeError("do not touch")
def _hang():
    time.sleep(300)
class _Meta(type):
    def __eq__(cls, other): _refuse()
    __hash__ = type.__hash__
    def __instancecheck__(cls, other): _refuse()
    def __subclasscheck__(cls, other): _refuse()
    def __getattribute__(cls, name): _touched.append(("meta", name)); return type.__getattribute__(cls, name)
    def __repr__(cls): _refuse()
refusing = _make("Refusing", _refuse)()
hanging = _make("Hanging", _hang)()
lying = _make("Liar", lambda: 10**18)()
odd_dict = _make("OddDict", _refuse, dict)(a=1)
Strange = _Meta("Strange", (), {"__module__": "__main__"})
strange = Strange()
class Estimator:
    def fit(self, *_): return self
    def predict(self, X): return [1] * len(X)
    def score(self, X, y): return 0.25
    def get_params(self, deep=True): _touched.append("get_params"); _refuse()
    def __getstate__(self): _refuse()
estimator = Estimator()
knot = {}; knot["self"] = knot; knot["list"] = [knot]
loop = []; loop.append(loop)
deep = []
for _ in range(50_000): deep = [deep]
objects = np.empty(1_000_000, dtype=object); objects[:] = "x"; objects[7] = refusing; objects[8] = None
wide = pd.DataFrame(np.zeros((2, 100_000)), columns=[f"c{i}" for i in range(100_000)])
mixed = pd.DataFrame({"a": [refusing, hanging], "b": [1.5, 2.5], "c": [knot, {1: 2}]})
text = "x" * 10_000_000
many = dict.fromkeys(range(100_000), 0.5)
def endless():
    while True:
        yield 1
generator, lock = endless(), threading.Lock()
frames = [pd.DataFrame({"a": [i]}) for i in range(100)]
y, guess = [0, 1, 1, 0], [0, 1, 0, 0]
"""
BODY = """
things = [refusing, hanging, lying, odd_dict, Strange, strange, knot, loop, deep, mixed, generator, lock]
held = {"refusing": refusing, "hanging": hanging, "text": text, "frames": frames, "deep": deep}
alias, results, scores = refusing, {"model": hanging, "auc": 0.5}, [refusing, 1.0]
for thing in things:
    last = thing
    loss = 0.5
def evaluate(model, *rest):
    inner = rest
    return accuracy_score(y, guess)
acc = evaluate(hanging, refusing, wide, mixed, knot, deep, text)
fitted = estimator.fit(objects, lying)
score = estimator.score(wide, hanging)
wide.iloc[0, 0] = 1.0
objects[9] = strange
n = next(generator) + len(many) % 2
print("acc", acc, n)
"""
LAST = "acc, confusion_matrix(y, guess)"


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    kernel = Kernel(tmp_path_factory.mktemp("kernel"))
    kernel.run(SETUP, timeout=120)
    yield kernel
    kernel.close()


def test_nothing_is_touched_and_nothing_breaks(kernel: Kernel) -> None:
    plain = kernel.run(BODY + LAST, timeout=120)
    touched = kernel.run("print(len(_touched))").stdout
    assert plain.status == "ok", plain.traceback
    kernel.load()
    kernel.run("_touched.clear()", timeout=120)
    tracked = kernel.run("%%track" + BODY + LAST, timeout=240)
    assert tracked.status == "ok", tracked.traceback
    assert (tracked.stdout, tracked.result) == (plain.stdout, plain.result)
    # What the cell's own statements touch, and no more.
    again = kernel.run("print(len(_touched), _touched[:5])", timeout=120).stdout
    assert again.split()[0] == touched.strip(), again
    run = kernel.last_run()
    assert run.metrics["acc"] == 0.75
    assert run.metrics["score"] == 0.25
    assert not [warning for warning in run.warnings if warning.code == "capture_fault"]


@pytest.mark.parametrize(
    "last",
    [
        "str(refusing)",
        "refusing == 1",
        "accuracy_score(refusing, guess)",
        "mixed.sum(numeric_only=False)[refusing]",
        "print(f'loss {refusing:.3f}')",
        "for _ in refusing:\n    pass",
        "while refusing:\n    loss = 1.0",
        "isinstance(1, Strange)",
        "knot['self']['missing']",
        "estimator.get_params()",
    ],
)
def test_what_the_user_raises_is_the_users_own(kernel: Kernel, last: str) -> None:
    plain, tracked = kernel.run(last), kernel.run(f"%%track\n{last}")
    assert plain.status == "error"
    assert [tracked.error[key] for key in ("ename", "evalue")] == [
        plain.error[key] for key in ("ename", "evalue")
    ]
    assert "jupyter_mlops/" not in tracked.traceback
