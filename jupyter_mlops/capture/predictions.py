"""What scoring calls compared, and the rows it was predicted from, kept as tables anyone can read.

A table is a NumPy archive without pickles (see `records.Artifact`). The same content gives the same
bytes, so that the metrics of one evaluation, and runs that score on the same rows, share one file.
Only exact types of known libraries are read, and only up to a budget of bytes.
"""

from __future__ import annotations

import hashlib
import io
import sys
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mlops.records import Artifact, RunWarning, Severity

from .evaluation import Compared, Kept, compared_by
from .numbers import module_of

if TYPE_CHECKING:
    from .sites import Event

MEDIA_TYPE = "application/x-npz"
#: All tables of a cell together may be so many times as large as one.
_TABLES = 5
_CLASSES = 200
_COLUMNS = 2_000
_CHARACTERS = 2_000
#: Predictions of these are scores, of the others what is predicted.
_SCORING = frozenset({"predict_proba", "decision_function", "predict_log_proba"})


class _Evaluated(msgspec.Struct):
    """One model's predictions of one target; several calls may each bring a part of it."""

    true: Any
    predicted: Any = None
    score: Any = None
    classes: Any = None
    index: Any = None
    features: Any = None
    features_name: str = ""
    model: str = ""


class PredictionTables:
    """The tables behind the scoring calls of one cell.

    Args:
        events: Everything heard in the cell: what was predicted, from what, and what was scored.
        limit: Bytes of the largest table of predictions that is kept.
        features_limit: Bytes of the largest table of features that is kept; 0 keeps none.
        known: Features kept before, by fingerprint: their artifacts, not made again.
        fingerprint: Gives a value's fingerprint.
    """

    def __init__(
        self,
        events: list[Event],
        *,
        limit: int,
        features_limit: int,
        known: dict[str, Artifact],
        fingerprint: Any,
    ) -> None:
        self.artifacts: dict[str, tuple[Artifact, bytes]] = {}
        #: Metrics functions whose predictions were too large, or of a kind that cannot be kept.
        self.left_out: dict[str, str] = {}
        self._predicted = [event for event in events if event.site.kind == "predict"]
        self._limit, self._features_limit = limit, features_limit
        self._size = 0
        self._known, self._fingerprint = known, fingerprint
        self._groups: dict[_Key, _Evaluated] = {}
        self._group_of: dict[tuple[str, int], _Key] = {}
        self._made: dict[_Key, Kept] = {}
        #: How often its model had been fitted in this cell when a prediction was made.
        self._fits: dict[int, int] = {}
        fits: dict[int, int] = {}
        for event in events:
            if event.site.kind == "fit":
                for fitted in {id(event.receiver), id(event.value)}:
                    fits[fitted] = fits.get(fitted, 0) + 1
            elif event.site.kind == "predict":
                self._fits[id(event)] = fits.get(id(event.receiver), 0)
        for event in events:
            if event.site.kind == "call":
                self._add(event)

    def of(self, call: Event) -> Kept:
        """What is kept of a scoring call's evaluation."""
        key = self._group_of.get((call.site.key, call.occurrence))
        if key is None:
            return Kept()
        if key not in self._made:
            self._made[key] = self._make(self._groups[key], call.site.function)
        return self._made[key]

    def notes(self) -> list[RunWarning]:
        """What was not kept, and why."""
        return [
            RunWarning(
                code="predictions_not_kept",
                message=f"The predictions behind {function} were not kept: {why}.",
                hint="No new metric can be computed for this run; see c.Mlops.predictions_bytes.",
                severity=Severity.INFO,
            )
            for function, why in self.left_out.items()
        ]

    def _add(self, call: Event) -> None:
        found = compared_by(call)
        if found.target is None or found.prediction is None:
            return
        if self._gave(found.target) and not self._gave(found.prediction):
            # `accuracy_score(pred, y_test)`: the score is the same, the table would be turned around.
            found = Compared(found.prediction, found.target, found.is_score)
        source = self._source_of(found.prediction, call)
        if source is not None and source.values:
            features_name, features = next(iter(source.values.items()))
        else:
            features_name, features = "", None
        # Of one model, its classes and its probabilities belong together.
        whose = (
            (id(source.receiver), id(features))
            if source is not None and source.receiver is not None and features is not None
            else (id(found.prediction), 0)
        )
        last = source.site.function.rpartition(".")[2] if source is not None else ""
        is_score = last in _SCORING or (found.is_score and last != "predict")
        fits = self._fits.get(id(source), 0)
        count = 0
        while True:
            key = (id(found.target), *whose, fits, count)
            group = self._groups.get(key)
            if group is None:
                group = self._groups[key] = _Evaluated(true=found.target)
            held = group.score if is_score else group.predicted
            if held is None or _same(held, found.prediction):
                break
            # Something else under the same names: the model changed in a way that was not seen.
            count += 1
        self._group_of[call.site.key, call.occurrence] = key
        if source is not None:
            group.features, group.features_name = features, features_name.rpartition("=")[2]
            receiver = source.site.function.rpartition(".")[0]
            group.model = receiver if receiver.replace(".", "").isidentifier() else ""
            if source.receiver is not None:
                group.classes = _classes_of(source.receiver)
        if is_score:
            group.score = found.prediction
        else:
            group.predicted = found.prediction

    def _gave(self, value: Any) -> bool:
        return any(event.value is value for event in self._predicted)

    def _source_of(self, prediction: Any, call: Event) -> Event | None:
        """The predicting call that gave (what is now part of) the prediction of `call`."""
        inside = None
        for event in reversed(self._predicted):
            if event.value is prediction or _is_part(prediction, event.value):
                return event
            site, around = event.site, call.site
            if (
                inside is None
                and event.occurrence == call.occurrence
                and site.order == around.order
                and (around.line, around.column) <= (site.line, site.column)
                and (site.end_line, site.end_column) <= (around.end_line, around.end_column)
            ):
                inside = event
        return inside

    def _make(self, group: _Evaluated, function: str) -> Kept:
        data = self._predictions(group)
        if data is None:
            self.left_out[function] = "they are of a kind that no table holds"
            return Kept()
        if len(data) > self._limit:
            self.left_out[function] = f"they have {len(data) / 1e6:.0f} MB"
            return Kept()
        self._size += len(data)
        if self._size > _TABLES * self._limit:
            self.left_out[function] = f"those of the cell have more than {_TABLES * self._limit / 1e6:.0f} MB"
            return Kept()
        digest = hashlib.sha256(data).hexdigest()
        path = f"predictions/{digest[:12]}.npz"
        self.artifacts[digest] = (_artifact(path, digest, data, "predictions"), data)
        content = "" if group.features is None else self._fingerprint(group.features)
        return Kept(
            predictions=digest,
            features=self._features(group.features, content) if content else "",
            features_name=group.features_name,
            features_fingerprint=content,
            model=group.model,
        )

    def _predictions(self, group: _Evaluated) -> bytes | None:
        true = values_of(group.true)
        if true is None:
            return None
        columns: list[tuple[str, Any]] = [("y_true", true)]
        if group.predicted is not None:
            predicted = values_of(group.predicted)
            if predicted is None or len(predicted) != len(true):
                return None
            columns += _named("y_pred", predicted, None)
        if group.score is not None:
            score = values_of(group.score)
            if score is not None and len(score) == len(true):
                columns += _named("y_score", score, group.classes)
        if len(columns) == 1:
            return None
        index = next(
            (found for value in (group.true, group.predicted) if (found := labels_of(value)) is not None),
            labels_of(group.features),
        )
        return pack_table(columns, index if index is not None and len(index[0][1]) == len(true) else None)

    def _features(self, features: Any, content: str) -> str:
        if not self._features_limit:
            return ""
        known = self._known.get(content)
        if known is not None:
            self.artifacts.setdefault(known.digest, (known, b""))
            return known.digest
        columns = columns_of(features, self._features_limit)
        data = None if columns is None else pack_table(columns, labels_of(features))
        if data is None or len(data) > self._features_limit:
            return ""
        digest = hashlib.sha256(data).hexdigest()
        artifact = _artifact(f"features/{digest[:12]}.npz", digest, data, "features")
        self.artifacts[digest] = (artifact, data)
        self._known[content] = artifact
        return digest


def _artifact(path: str, digest: str, data: bytes, kind: str) -> Artifact:
    return Artifact(path=path, digest=digest, size=len(data), media_type=MEDIA_TYPE, kind=kind)


_Key = tuple[int, int, int, int, int]


def _same(one: Any, other: Any) -> bool:
    """Whether two predictions are one: the same object, or arrays of the same content."""
    if one is other:
        return True
    first, second = values_of(one), values_of(other)
    if first is None or second is None or first.shape != second.shape:
        return False
    if first.dtype.kind in "fc" and second.dtype.kind in "fc":
        return bool(((first == second) | ((first != first) & (second != second))).all())  # noqa: PLR0124
    return bool((first == second).all()) if first.dtype.kind == second.dtype.kind else False


def _is_part(part: Any, whole: Any) -> bool:
    """Whether an array is a view of (or a column of) what was predicted: ``proba[:, 1]``."""
    np: Any = sys.modules.get("numpy")
    if np is None or type(part) is not np.ndarray or type(whole) is not np.ndarray:
        return False
    base = part.base
    return base is whole or (base is not None and base is whole.base)


def _classes_of(model: Any) -> list[str] | None:
    """The classes an estimator knows, in the order of its scores' columns."""
    try:
        known = object.__getattribute__(model, "__dict__")
        steps = known.get("steps")
        if type(steps) is list and steps and type(steps[-1]) is tuple:
            return _classes_of(steps[-1][-1])
        if "best_estimator_" in known:
            return _classes_of(known["best_estimator_"])
        classes = known.get("classes_")
        if type(classes).__name__ == "ndarray" and classes.ndim == 1 and classes.size <= _CLASSES:
            return [str(label) for label in classes.tolist()]
    except Exception:  # noqa: BLE001 — a model class of the user's may be broken in any way
        return None
    return None


def _named(name: str, values: Any, classes: list[str] | None) -> list[tuple[str, Any]]:
    if values.ndim == 1:
        return [(name, values)]
    count = values.shape[1]
    names = classes if classes is not None and len(classes) == count else [str(item) for item in range(count)]
    return [(f"{name}_{part}", values[:, position]) for position, part in enumerate(names)]


# ---- values


def values_of(value: Any) -> Any:
    """A list, an array, a Series or a tensor as an array of one or two dimensions; None for anything else."""
    kind, module = type(value), module_of(type(value)).partition(".")[0]
    if kind is list or kind is tuple:
        if not value or not all(type(item) in (bool, int, float, str) for item in value):
            return None
        return _listed(value)
    np: Any = sys.modules.get("numpy")
    if np is None:
        return None
    try:
        if kind is np.ndarray:
            found = value
        elif module == "pandas" and kind.__name__ in ("Series", "DataFrame"):
            if kind.__name__ == "DataFrame":
                found = value.to_numpy()
                found = found[:, 0] if found.ndim == 2 and found.shape[1] == 1 else found
            else:
                found = column_values(value)
        elif module == "polars" and kind.__name__ == "Series":
            found = value.to_numpy()
        elif module == "torch" and kind.__name__ == "Tensor" and value.device.type == "cpu":
            found = value.detach().numpy()
        else:
            return None
    except Exception:  # noqa: BLE001 — an extension type may refuse to be an array
        return None
    if type(found) is not np.ndarray or found.ndim not in (1, 2) or found.shape[-1] > _COLUMNS:
        return None
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    return found


def _listed(value: Any) -> Any:
    import numpy as np

    found = np.asarray(value)
    # A list of texts and numbers would become one of texts.
    return None if found.dtype.kind == "U" and not all(type(item) is str for item in value) else found


def column_values(series: Any) -> Any:
    """A pandas column as an array: nullable and Arrow-backed ones by their plain values."""
    import numpy as np

    kind = str(series.dtype)
    if kind == "category":
        codes = series.cat.codes.to_numpy()
        categories = column_values(series.cat.categories.to_series())
        taken = categories.astype(object)[codes]
        taken[codes < 0] = None
        return taken if (codes < 0).any() or categories.dtype.kind == "O" else categories[codes]
    if getattr(series.dt, "tz", None) is not None if kind.startswith("datetime") else False:
        return series.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
    found = series.to_numpy()
    return found if type(found) is np.ndarray else None


def labels_of(value: Any) -> list[tuple[str, Any]] | None:
    """A pandas object's row labels as (name, values) a level, None for mere positions."""
    kind = type(value)
    if module_of(kind).partition(".")[0] != "pandas" or kind.__name__ not in ("Series", "DataFrame"):
        return None
    index = value.index
    try:
        if type(index).__name__ == "RangeIndex" and index.start == 0 and index.step == 1:
            return None
        if index.nlevels > 1:
            levels = [index.get_level_values(level) for level in range(index.nlevels)]
        else:
            levels = [index]
        return [
            (level.name if type(level.name) is str else "", column_values(level.to_series()))
            for level in levels
        ]
    except Exception:  # noqa: BLE001 — an extension type may refuse to be an array
        return None


def columns_of(value: Any, limit: int) -> list[tuple[str, Any]] | None:
    """The columns of a table of features, None if it is no table, or surely larger than `limit` bytes."""
    kind, module = type(value), module_of(type(value)).partition(".")[0]
    if module == "pandas" and kind.__name__ == "DataFrame":
        if not 0 < value.shape[1] <= _COLUMNS or value.shape[0] * value.shape[1] > limit:
            return None
        try:
            return [
                (str(name), column_values(value.iloc[:, position]))
                for position, name in enumerate(value.columns)
            ]
        except Exception:  # noqa: BLE001 — an extension type may refuse to be an array
            return None
    if getattr(value, "nbytes", limit + 1) > limit if module in ("numpy", "torch") else False:
        return None
    found = values_of(value)
    if found is None or found.size > limit or module not in ("numpy", "torch", "pandas"):
        return None
    if found.ndim == 1:
        name = value.name if module == "pandas" and type(value.name) is str else "0"
        return [(name, found)]
    return [(str(position), found[:, position]) for position in range(found.shape[1])]


# ---- bytes


def pack_table(columns: list[tuple[str, Any]], index: list[tuple[str, Any]] | None) -> bytes | None:
    """The bytes of a table, None if a column is of a kind an archive without pickles cannot hold."""
    import numpy as np

    arrays: dict[str, Any] = {"columns": np.array([name for name, _ in columns], dtype="U")}
    for position, (_, values) in enumerate(columns):
        if not _put(arrays, str(position), values):
            return None
    for level, (name, values) in enumerate(index or ()):
        key = f"index_{level}" if level else "index"
        if not _put(arrays, key, values):
            return None
        arrays[f"{key}_name"] = np.array(name)
    buffer = io.BytesIO()
    texts = sum(array.nbytes for array in arrays.values() if array.dtype.kind == "U")
    # Texts take four bytes a character of the longest; numbers hardly shrink.
    (np.savez_compressed if texts > 100_000 else np.savez)(buffer, **arrays)
    return buffer.getvalue()


def _put(arrays: dict[str, Any], key: str, values: Any) -> bool:
    import numpy as np

    if values is None or values.ndim != 1:
        return False
    if values.dtype.kind in "biufcmMU":
        arrays[key] = np.ascontiguousarray(values)
        return True
    if values.dtype.kind != "O":
        return False
    items = values.tolist()
    missing = np.array([_is_missing(item) for item in items])
    present = [item for item in items if not _is_missing(item)]
    kinds = {type(item) for item in present}
    if kinds <= {str}:
        if any(len(item) > _CHARACTERS for item in present):
            return False
        filler: Any = ""
    elif kinds <= {bool}:
        filler = False
    elif kinds <= {int, float}:
        filler = 0
    else:
        return False
    plain = np.array([filler if gone else item for item, gone in zip(items, missing, strict=True)])
    if plain.dtype.kind not in "biufU":
        return False
    arrays[key] = plain
    if missing.any():
        arrays[f"{key}?"] = missing
    return True


def _is_missing(item: Any) -> bool:
    kind = type(item)
    return item is None or kind.__name__ in ("NAType", "NaTType") or (kind is float and item != item)  # noqa: PLR0124
