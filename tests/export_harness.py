"""Executes cells in a plain namespace and records them as a kernel would, for tests of the export.

Names are really observed: bound by identity, mutated by the pickled value before and after (so aliases,
views and closures are seen), random generators by their state, files by an audit hook.
"""

from __future__ import annotations

import ast
import contextlib
import io
import os
import pickle
import random
import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cloudpickle
import xxhash

from jupyter_mlops.capture.names import cell_names, live_reads
from jupyter_mlops.records import (
    Dataset,
    Environment,
    Execution,
    FileUse,
    MetricDetail,
    MetricValue,
    ParamDetail,
    Run,
    Span,
    Status,
    new_id,
    now,
)
from jupyter_mlops.store import Store, open_store

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_opened: list[tuple[str, str]] | None = None


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if _opened is not None and event == "open" and isinstance(arguments[0], str | Path):
        _opened.append((str(Path(arguments[0]).absolute()), str(arguments[1] or "r")))


sys.addaudithook(_audit)


def file_hash(place: str | Path) -> str:
    return xxhash.xxh3_64(Path(place).read_bytes()).hexdigest()


class Notebook:
    """A kernel session on a small scale: `run` cells in any order, then `save` one as a run."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.session_id = new_id()
        self.executions: list[Execution] = []
        self.namespace: dict[str, Any] = {"__name__": "__main__", "__builtins__": __builtins__}
        self.store: Store = open_store(
            f"sqlite:///{directory / '.jupyter_mlops' / 'runs.db'}",
            str(directory / ".jupyter_mlops" / "artifacts"),
        )

    def run(
        self, code: str, *, heading: str = "", scratch: bool = False, executed: str | None = None
    ) -> Execution:
        """Execute one cell; `executed` is the code to record when it is not what the namespace runs."""
        global _opened
        before = {name: value for name, value in self.namespace.items() if not name.startswith("__")}
        prints = {name: _print(value) for name, value in before.items()}
        states = _random_states()
        tree = ast.parse(code)
        names = cell_names(code, tree)
        if names.dynamic:
            names = type(names)(
                **{
                    **{key: getattr(names, key) for key in names.__struct_fields__},
                    "reads": frozenset(before),
                }
            )
        reachable = live_reads(names.loads & before.keys(), self.namespace)
        status, completed = "ok", 0
        _opened = []
        here = Path.cwd()
        os.chdir(self.directory)
        main = sys.modules["__main__"]
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                for statement in tree.body:
                    exec(
                        compile(ast.Module([statement], []), f"<cell {len(self.executions)}>", "exec"),
                        self.namespace,
                    )
                    completed += 1
        except Exception:
            status = "failed"
        finally:
            os.chdir(here)
            sys.modules["__main__"] = main
        opened, _opened = _opened, None
        after = {name: value for name, value in self.namespace.items() if not name.startswith("__")}
        bound = {name for name, value in after.items() if name not in before or before[name] is not value}
        bound |= names.unconditional & after.keys() if status == "ok" else set()
        kept = {name for name in before if name in after and name not in bound}
        mutated = {name for name in kept if prints[name] and prints[name] != _print(after[name])}
        opaque = {name for name in kept if not prints[name] and name in names.touched | names.loads}
        drawn = [
            f"rng:{library}"
            for library, state in _random_states().items()
            if state != states.get(library, state)
        ]
        seeded = [state for state in drawn if "seed(" in code]
        execution = Execution(
            execution_id=new_id(),
            session_id=self.session_id,
            order=len(self.executions) + 1,
            execution_count=len(self.executions) + 1,
            source=code,
            code=executed if executed is not None else code,
            status=status,
            completed=None if status == "ok" else completed,
            scratch=scratch,
            heading=heading,
            reads=tuple(sorted((names.reads | reachable) & before.keys())),
            bound=tuple(sorted(bound)),
            mutated=tuple(sorted(mutated)),
            opaque=tuple(sorted(name for name in opaque if not callable(after[name]))),
            deleted=tuple(sorted(before.keys() - after.keys())),
            ambient_reads=tuple(state for state in drawn if state not in seeded),
            ambient_writes=tuple(drawn),
            files=tuple(self._uses(opened)),
        )
        self.executions.append(execution)
        return execution

    def _uses(self, opened: Sequence[tuple[str, str]]) -> list[FileUse]:
        found = {}
        for path, mode in opened:
            if (
                Path(path).is_relative_to(self.directory)
                and Path(path).is_file()
                and ".jupyter_mlops" not in path
            ):
                found[path, mode[:1]] = FileUse(
                    path=path, mode=mode.replace("b", "").replace("t", "") or "r", hash=file_hash(path)
                )
        return list(found.values())

    def save(
        self,
        metrics: Mapping[str, MetricDetail | str],
        *,
        params: Sequence[str] = (),
        datasets: Sequence[str] = (),
        orders: Sequence[int] = (),
        values: Mapping[str, MetricValue] | None = None,
        **more: Any,
    ) -> Run:
        """Store a run of the last cell. A metric given as text is the bound name that holds it."""
        last = self.executions[-1]
        details, numbers = {}, {}
        for name, detail in metrics.items():
            found = bound(detail, last) if isinstance(detail, str) else detail
            details[name] = found
            value = values[name] if values and name in values else eval(found.expression, self.namespace)
            for key in () if values and name in values else found.path:
                value = value[key]
            numbers[name] = value if isinstance(value, int) else float(value)
        param_details, param_values = {}, {}
        for name in params:
            for cell in self.executions:
                literal = cell_names(cell.code).literals.get(name)
                if literal is not None:
                    param_details[name] = ParamDetail(origin="literal", order=cell.order, span=literal.span)
                    param_values[name] = literal.value
        run = Run(
            run_id=new_id(),
            experiment="tests",
            status=Status.FINISHED,
            start_time=now(),
            metrics=numbers,
            metric_details=details,
            params=param_values,
            param_details=param_details,
            session_id=self.session_id,
            orders=tuple(orders) or (last.order,),
            cells=tuple(self.executions),
            source=last.source,
            environment=Environment(
                python="3", executable=sys.executable, platform="test", directory=str(self.directory)
            ),
            datasets=tuple(self._dataset(name) for name in datasets),
            **more,
        )
        return self.store.save_run(run)

    def _dataset(self, name: str) -> Dataset:
        from jupyter_mlops.capture.dataset import describe_dataset

        order = next(cell.order for cell in reversed(self.executions) if name in cell.bound)
        found = describe_dataset(name, self.namespace[name], order=order)
        assert found is not None
        return found


def bound(name: str, cell: Execution) -> MetricDetail:
    """The detail of a metric bound to `name` in `cell`: its last assignment."""
    targets = [
        node for node in ast.walk(ast.parse(cell.code)) if isinstance(node, ast.Name) and node.id == name
    ]
    stores = [node for node in targets if isinstance(node.ctx, ast.Store)]
    return MetricDetail(origin="bound", expression=name, order=cell.order, span=span_of(stores[-1]))


def expression(text: str, cell: Execution, origin: str = "printed", **more: Any) -> MetricDetail:
    """The detail of a metric that is the value of the last `text` in `cell`."""
    wanted = ast.dump(ast.parse(text, mode="eval").body)
    nodes = [
        node
        for node in ast.walk(ast.parse(cell.code))
        if isinstance(node, ast.expr) and ast.dump(node) == wanted
    ]
    return MetricDetail(origin=origin, expression=text, order=cell.order, span=span_of(nodes[-1]), **more)


def span_of(node: ast.expr) -> Span:
    return Span(
        line=node.lineno,
        column=node.col_offset,
        end_line=node.end_lineno or 0,
        end_column=node.end_col_offset or 0,
    )


def _print(value: Any) -> str:
    with contextlib.suppress(Exception):
        if isinstance(value, types.ModuleType):
            return value.__name__
        if type(value).__name__ in ("generator", "list_iterator", "map", "zip"):
            return ""
        if isinstance(value, types.FunctionType):
            closure = [cell.cell_contents for cell in value.__closure__ or ()]
            parts = (value.__code__.co_code, value.__defaults__, value.__dict__, closure)
            return xxhash.xxh3_64(cloudpickle.dumps(parts)).hexdigest()
        return xxhash.xxh3_64(cloudpickle.dumps(value)).hexdigest()
    return ""


def _random_states() -> dict[str, bytes]:
    states = {"random": pickle.dumps(random.getstate())}
    if "numpy" in sys.modules:
        import numpy as np

        states["numpy"] = pickle.dumps(np.random.get_state())
    return states
