"""Sparse matrices and tensors: told apart by any cell, type, shape or order, alike in every process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from jupyter_mlops.capture.dataset import describe_dataset
from jupyter_mlops.capture.fingerprint import fingerprint

FORMATS = ("csr", "csc", "coo", "lil", "dok", "bsr", "dia")


def matrices() -> dict[str, Any]:
    plain = np.array([[1.0, 0, 2], [0, 0, 3]])
    changed = plain.copy()
    changed[1, 2] = 4
    made: dict[str, Any] = {}
    for form in FORMATS:
        for kind in ("matrix", "array"):
            build = getattr(sp, f"{form}_{kind}")
            made[f"{form}_{kind}"] = build(plain)
            made[f"{form}_{kind} cell"] = build(changed)
    whole = sp.csr_matrix(plain)
    made |= {
        "dtype": whole.astype("float32"),
        "whole": whole.astype(int),
        "bool": whole.astype(bool),
        "shape": sp.csr_matrix((whole.data, whole.indices, whole.indptr), shape=(2, 4)),
        "rows": whole[::-1],
        "columns": whole[:, ::-1],
        "turned": sp.csr_matrix(plain.T),
        "stored zero": sp.csr_matrix((np.array([1.0, 2, 0, 3]), [0, 2, 0, 2], [0, 2, 4]), shape=(2, 3)),
        "empty": sp.csr_matrix((2, 3)),
        "empty, turned": sp.csr_matrix((3, 2)),
    }
    return made


def tensors() -> dict[str, Any]:
    torch = pytest.importorskip("torch")
    plain = torch.arange(6.0).reshape(2, 3)
    changed = plain.clone()
    changed[0, 0] = 9
    quantized = torch.quantize_per_tensor
    scales, zeros = torch.tensor([0.1, 0.2]), torch.tensor([0, 0])
    made = {
        "plain": plain, "cell": changed, "double": plain.double(), "half": plain.half(),
        "bfloat16": plain.bfloat16(), "whole": plain.int(), "shape": plain.reshape(3, 2), "turned": plain.T,
        "rows": plain.flip(0), "bool": plain > 2, "complex": plain.to(torch.complex64),
        "grad": plain.clone().requires_grad_(), "empty": torch.empty(0, 3), "empty, wider": torch.empty(0, 4),
        "int8": quantized(plain, 0.1, 0, torch.qint8), "int8, scale": quantized(plain * 2, 0.2, 0, torch.qint8),
        "int8, channels": torch.quantize_per_channel(plain, scales, zeros, 0, torch.qint8),
        "wider": torch.sparse_coo_tensor(plain.to_sparse()._indices(), plain.to_sparse()._values(), (2, 4)),
    }  # fmt: skip
    for name in ("to_sparse", "to_sparse_csr", "to_sparse_csc"):
        made |= {name: getattr(plain, name)(), f"{name} cell": getattr(changed, name)()}
    return made


@pytest.mark.parametrize("make", [matrices, tensors])
def test_whatever_differs_has_another_fingerprint(make: Any) -> None:
    made = make()
    found = {name: fingerprint(value) for name, value in made.items()}
    assert all(found.values())
    assert len(set(found.values())) == len(found)
    assert {name: fingerprint(value) for name, value in make().items()} == found


def test_another_process_says_the_same() -> None:
    code = (
        "import json, test_sparse as t; "
        "print(json.dumps({n: t.fingerprint(v) for n, v in t.matrices().items()}))"
    )
    root = Path(__file__).parents[3]
    path = os.pathsep.join([str(root), str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    told = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "77"},
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    assert json.loads(told) == {name: fingerprint(value) for name, value in matrices().items()}


@pytest.mark.parametrize("make", [matrices, tensors])
def test_each_is_described_and_stays_what_it_is(make: Any) -> None:
    for name, value in make().items():
        before = fingerprint(value)
        described = describe_dataset("X", value)
        assert described is not None, name
        assert described.shape == tuple(value.shape), name
        assert fingerprint(value) == before, name


def test_the_profile_is_that_of_what_is_stored() -> None:
    for form in FORMATS:
        described = describe_dataset("X", getattr(sp, f"{form}_matrix")(np.array([[0.5, 0, 2], [0, 0, 3]])))
        assert described is not None
        (column,) = described.columns
        assert (column.profile["minimum"], column.profile["maximum"]) == (0.5, 3.0), form
