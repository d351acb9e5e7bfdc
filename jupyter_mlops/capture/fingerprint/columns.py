"""Arrow and polars columns, however they are cut into chunks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xxhash import xxh3_128

from .arrays import raw, read_array
from .reader import OBJECT_COST, UnreadableError
from .scalars import encode_text
from .table import SUBCLASSED, register, text_of

#: Values that are copied at once, to have zeros in the place of nulls.
_PIECE = 1 << 16

if TYPE_CHECKING:
    from collections.abc import Callable

    from .reader import Reader


def teach_pyarrow(pyarrow: Any) -> None:
    """Readers for Arrow."""
    register((pyarrow.ChunkedArray,), lambda reader, value: _read_chunks(reader, value.chunks, value.type))
    register((pyarrow.Table, pyarrow.RecordBatch), _read_table)
    SUBCLASSED[id(pyarrow.Array)] = lambda reader, value: _read_chunks(reader, [value], value.type)
    SUBCLASSED[id(pyarrow.DataType)] = text_of(b"W", str)


def _read_table(reader: Reader, table: Any) -> bytes:
    columns = (
        _read_chunks(reader, column.chunks if hasattr(column, "chunks") else [column], column.type)
        for column in table.columns
    )
    return reader.digest(
        b"Wt", (encode_text(type(table).__name__), reader.read(list(table.column_names)), *columns)
    )


def _read_chunks(reader: Reader, chunks: list[Any], kind: Any) -> bytes:
    """The same digest however the values are cut into chunks, and whatever lies under a null."""
    import numpy as np
    import pyarrow as pa

    stream = _ArrowStream()
    read: Callable[[Reader, _ArrowStream, Any, Any, Any], None] = _add_objects
    texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
    if any(test(kind) for test in texts):
        read = _add_texts
    elif pa.types.is_boolean(kind):
        read = _add_bits
    elif pa.types.is_primitive(kind):
        read = _add_numbers
    for chunk in chunks:
        if chunk.nbytes > max(reader.left, 4096):
            reader.sampled = True
            step = max(1, int(chunk.nbytes // max(reader.left, 4096)))
            chunk = chunk.take(pa.array(np.arange(0, len(chunk), step)))  # noqa: PLW2901
        reader.left -= chunk.nbytes
        missing = None
        if chunk.null_count:
            missing = np.flatnonzero(_bits_of(chunk.is_null()).view(bool))
            stream.nulls.update(raw(missing + stream.count))
        if len(chunk):
            read(reader, stream, chunk, kind, missing)
        stream.count += len(chunk)
    return reader.digest(b"W", (encode_text(str(kind)), b"%d" % stream.count, *stream.digests()))


class _ArrowStream:
    """The digests of an Arrow column while its chunks pass: values, where texts end, what is missing."""

    def __init__(self) -> None:
        self.data, self.ends, self.nulls = xxh3_128(), xxh3_128(), xxh3_128()
        self.count = 0
        self.end = 0

    def digests(self) -> tuple[bytes, bytes, bytes]:
        return self.data.digest(), self.ends.digest(), self.nulls.digest()


def _add_texts(_reader: Reader, stream: _ArrowStream, chunk: Any, kind: Any, missing: Any) -> None:
    import numpy as np
    import pyarrow as pa

    wide = pa.types.is_large_string(kind) or pa.types.is_large_binary(kind)

    def offsets_of(part: Any) -> Any:
        offsets = np.frombuffer(part.buffers()[1], dtype=np.int64 if wide else np.int32)
        return offsets[part.offset : part.offset + len(part) + 1]

    offsets = offsets_of(chunk)
    if missing is not None and (offsets[missing] != offsets[missing + 1]).any():
        chunk = chunk.fill_null("" if pa.types.is_string(kind) or pa.types.is_large_string(kind) else b"")
        offsets = offsets_of(chunk)
    first, last = int(offsets[0]), int(offsets[-1])
    ends = offsets[1:].astype(np.int64, copy=False)
    shift = stream.end - first
    stream.ends.update(raw(ends + shift if shift else ends))
    stream.end += last - first
    if last > first:
        stream.data.update(memoryview(chunk.buffers()[2])[first:last])


def _add_numbers(_reader: Reader, stream: _ArrowStream, chunk: Any, kind: Any, missing: Any) -> None:
    import numpy as np

    width = kind.bit_width // 8
    memory = memoryview(chunk.buffers()[1])[chunk.offset * width : (chunk.offset + len(chunk)) * width]
    if missing is None:
        stream.data.update(memory)
        return
    if width > 8:
        raise UnreadableError("nulls among values of 128 bits")
    # What lies under a null is anything: zeros are put there, in a copy of a piece that the cache holds.
    values = np.frombuffer(memory, dtype=f"u{width}")
    nulls = _bits_of(chunk.is_null())
    for start in range(0, len(values), _PIECE):
        piece = nulls[start : start + _PIECE].astype(values.dtype)
        piece -= piece.dtype.type(1)  # zero for a null, else all bits
        piece &= values[start : start + _PIECE]
        stream.data.update(raw(piece.view(np.uint8)))


def _add_bits(_reader: Reader, stream: _ArrowStream, chunk: Any, _kind: Any, missing: Any) -> None:
    import numpy as np

    # As the values would be written one by one, see `scalars`.
    letters = np.frombuffer(b"fT", dtype=np.uint8)[_bits_of(chunk)]
    if missing is not None:
        letters[missing] = ord("n")
    stream.data.update(raw(letters))


def _bits_of(booleans: Any) -> Any:
    """Arrow's Boolean values as an array of 0 and 1, whatever lies under a null."""
    import numpy as np

    begin, end = booleans.offset, booleans.offset + len(booleans)
    data = np.frombuffer(booleans.buffers()[1], dtype=np.uint8)[begin // 8 : (end + 7) // 8]
    return np.unpackbits(data, bitorder="little")[begin % 8 : begin % 8 + len(booleans)]


def _add_objects(reader: Reader, stream: _ArrowStream, chunk: Any, _kind: Any, _missing: Any) -> None:
    reader.left -= OBJECT_COST * len(chunk)
    stream.data.update(b"".join([reader.read(value) for value in chunk.to_pylist()]))


def teach_polars(polars: Any) -> None:
    """Readers for polars."""
    register((polars.DataFrame,), _read_polars)
    register((polars.Series,), _read_polars_column)
    SUBCLASSED[id(polars.DataType)] = text_of(b"6t", str)


def _read_polars(reader: Reader, frame: Any) -> bytes:
    return reader.digest(b"6", [_read_polars_column(reader, column) for column in frame.get_columns()])


def _read_polars_column(reader: Reader, column: Any) -> bytes:
    parts = [encode_text(column.name), encode_text(str(column.dtype)), encode_text(str(len(column)))]
    plain = column.dtype.is_numeric() and not column.dtype.is_decimal()
    if plain or column.dtype.is_temporal():
        physical = column.to_physical()
        if column.null_count():
            parts.append(read_array(reader, column.is_null().to_numpy()))
            physical = physical.fill_null(0)
        parts.append(read_array(reader, physical.to_numpy()))
    else:
        reader.left -= 200 * len(column)
        if reader.left < 0:
            reader.sampled = True
            column = column.gather_every(max(1, len(column) // (1 << 20)))
        parts.append(reader.items(column.to_list()))
    return reader.digest(b"6c", parts)
