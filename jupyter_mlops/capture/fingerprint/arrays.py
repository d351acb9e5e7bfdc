"""NumPy: arrays by their memory, in C order whatever the order in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xxhash import xxh3_128, xxh3_128_digest

from . import objects
from .kinds import instance_dict
from .reader import SAMPLE_BLOCKS
from .scalars import encode_text
from .table import SUBCLASSED, register, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .reader import Reader

CHUNK = 1 << 20


def teach_numpy(numpy: Any) -> None:
    """Readers for NumPy."""
    register((numpy.ndarray,), read_array)
    SUBCLASSED[id(numpy.ndarray)] = _read_array_subclass
    SUBCLASSED[id(numpy.dtype)] = text_of(b"Y", str)
    SUBCLASSED[id(numpy.generic)] = _read_numpy_scalar
    register((numpy.ufunc, type(numpy.mean)), objects.read_named)
    register((numpy.random.Generator,), lambda reader, value: b"g" + reader.read(value.bit_generator))
    register(
        (numpy.random.RandomState,), lambda reader, value: b"g" + reader.read(value.get_state(legacy=False))
    )
    for name in ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"):
        register((getattr(numpy.random, name),), lambda reader, value: b"g" + reader.read(value.state))


def _read_numpy_scalar(reader: Reader, value: Any) -> bytes:
    dtype = value.dtype
    if dtype.kind == "V":
        return b"v" + encode_text(str(dtype)) + reader.read(value.item())
    if dtype.kind in "fc" and value != value:  # noqa: PLR0124
        return b"v" + encode_text(dtype.str) + b"nan"
    data = (
        repr(value).encode()
        if dtype.kind in "fc" and dtype.itemsize > 8 and dtype.char in "gG"
        else value.tobytes()
    )
    return b"v" + encode_text(dtype.str) + data


def _read_array_subclass(reader: Reader, value: Any) -> bytes:
    import numpy as np

    parts = [objects.reference_of(type(value)), read_array(reader, np.ndarray.view(value, np.ndarray))]
    holder = instance_dict(value)
    if holder:
        parts.append(reader.attributes(holder))
    return reader.digest(b"z", parts)


def read_array(reader: Reader, value: Any) -> bytes:
    """An array by shape, type and elements."""
    dtype = value.dtype
    head = b"z" + encode_text(str(value.shape)) + encode_text(dtype.str)
    if dtype.hasobject or dtype.kind == "T":
        return reader.digest(head, (reader.items(value.ravel().tolist()),))
    if dtype.names is not None:
        fields = (encode_text(name) + read_array(reader, value[name]) for name in dtype.names)
        return reader.digest(head, fields)
    return reader.digest(head, (_memory(reader, value),))


def _memory(reader: Reader, value: Any) -> bytes:
    """The digest of an array's elements in C order, whatever their order in memory."""
    import numpy as np

    if value.size == 0 or value.dtype.itemsize == 0:
        return b"0"
    if value.dtype.char in "gG":
        # An extended float has padding bytes that hold anything.
        return reader.items([repr(item) for item in value.ravel().tolist()])
    if value.ndim == 0:
        return bytes(value.tobytes())
    size = value.size * value.dtype.itemsize
    if size > max(reader.left, 4096):
        return _sampled(reader, value)
    reader.left -= size
    if value.flags.c_contiguous:
        return xxh3_128_digest(raw(value.reshape(-1).view(np.uint8)))
    hasher = xxh3_128()
    for chunk in _rows(value):
        hasher.update(raw(np.ascontiguousarray(chunk).reshape(-1).view(np.uint8)))
    return hasher.digest()


def _sampled(reader: Reader, value: Any) -> bytes:
    """The digest of evenly spaced runs of an array's elements, counted in C order."""
    import numpy as np

    reader.sampled = True
    flat = value.reshape(-1) if value.flags.c_contiguous else value.flat
    block = max(1, max(4096, max(reader.left, 0) // SAMPLE_BLOCKS) // value.dtype.itemsize)
    reader.left -= block * SAMPLE_BLOCKS * value.dtype.itemsize
    hasher = xxh3_128(b"%d" % value.size)
    for position in range(SAMPLE_BLOCKS):
        start = max(0, (value.size - block) * position // (SAMPLE_BLOCKS - 1))
        hasher.update(raw(np.ascontiguousarray(flat[start : start + block]).view(np.uint8)))
    return hasher.digest()


def raw(data: Any) -> memoryview:
    """An array's memory."""
    return memoryview(data)


def _rows(value: Any) -> Iterator[Any]:
    """Slices along the first axis of about `CHUNK` bytes each."""
    row = max(1, value.size // value.shape[0] * value.dtype.itemsize)
    if row > 4 * CHUNK and value.ndim > 1:
        for part in value:
            yield from _rows(part)
        return
    step = max(1, CHUNK // row)
    for start in range(0, value.shape[0], step):
        yield value[start : start + step]
