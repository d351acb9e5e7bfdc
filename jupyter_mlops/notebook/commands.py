"""The magics people type: ``%track``, ``%runs``, ``%compare``, ``%export`` and the two cell markers."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from IPython.core.magic import Magics, cell_magic, line_magic, magics_class
from IPython.display import display

from jupyter_mlops import api
from jupyter_mlops.errors import MlopsError, UsageError

from .magics import USAGE, parse_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from IPython.core.interactiveshell import InteractiveShell

    from .watcher import Watcher


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(
            f"{self.prog}: {message}.", self.format_usage().strip().replace("usage: ", "Write: ")
        )


def _parsed(parser: _Parser, line: str) -> argparse.Namespace:
    try:
        words = shlex.split(line, comments=False)
    except ValueError as error:
        raise UsageError(f"{parser.prog}: {error}.", parser.format_usage().strip()) from None
    return parser.parse_args(words)


@magics_class
class MlopsMagics(Magics):  # type: ignore[misc]
    """The line magics of jupyter_mlops, and its markers as magics for ``%%track?`` and completion."""

    def __init__(self, shell: InteractiveShell, watcher: Watcher) -> None:
        super().__init__(shell)
        self._watcher = watcher

    @line_magic("track")  # type: ignore[untyped-decorator]
    def track(self, line: str) -> None:
        """Make every cell that fits or scores something a run, without a marker.

        ``%track on`` begins with the next cell, ``%track off`` ends it, ``%track status`` tells.
        """
        word = line.strip().lower() or "status"
        if word not in ("on", "off", "status"):
            self._watcher.say(
                UsageError(f"`%track {line}` is not understood.", "Write %track on, off or status.")
            )
            return
        if word != "status":
            self._watcher.track_every = word == "on"
        if self._watcher.track_every:
            print("Every cell that fits or scores something becomes a run; %track off ends it.")
        else:
            print("Only cells that begin with %%track become runs; %track on tracks every one.")

    @line_magic("runs")  # type: ignore[untyped-decorator]
    def runs(self, line: str) -> Any:
        """List runs of this notebook, newest first: ``%runs [FILTER] [--by METRIC] [-n N] [--all] [--wide]``.

        ``%runs metrics.accuracy > 0.9 --by accuracy -n 5`` gives the five best of those. ``--all``
        looks at every experiment, ``--children`` also at the turns of loops, ``--children #14`` at those of
        run #14 alone. A few columns are shown, the most common first; ``--wide`` shows all that differ.
        """
        parser = _Parser(prog="%runs", add_help=False)
        parser.add_argument("--by")
        parser.add_argument("-n", type=int, default=10)
        parser.add_argument("--all", action="store_true")
        parser.add_argument("--wide", action="store_true")
        parser.add_argument("--children", nargs="?", const="")

        def run() -> Any:
            # The filter has quotes of its own, so only what follows it is split as a shell would.
            head, dashes, tail = _options_from(line, (" --by", " -n", " --all", " --wide", " --children"))
            options = _parsed(parser, dashes + tail)
            order = [_order(options.by)] if options.by else None
            experiment = None if options.all else api.current_experiment()
            frame = api.search_runs(
                head.strip(),
                order_by=order,
                max_results=options.n,
                experiment=experiment,
                include_children=options.children is not None,
                parent=options.children or None,
            )
            if options.by and not frame.empty and order and _missing(order[0], frame.columns):
                known = sorted(name[8:] for name in frame.columns if name.startswith("metrics."))
                raise UsageError(f"No run has a metric {options.by!r}.", f"There are: {', '.join(known)}.")
            from .listing import listed

            table, left_out = listed(frame, by=options.by, experiments=options.all, wide=options.wide)
            if left_out:
                more = "1 column more differs" if left_out == 1 else f"{left_out} columns more differ"
                print(f"{more}: %runs --wide, or mlops.search_runs().")
            return table

        return self._guard(run)

    @line_magic("compare")  # type: ignore[untyped-decorator]
    def compare(self, line: str) -> None:
        """Put runs side by side: ``%compare [RUN …] [--reference RUN]``; without runs the last two here.

        A RUN is ``#14``, a name, a run_id or its beginning, ``last``, ``best:METRIC``, ``worst:METRIC``. The
        others are held against the reference: the first run, unless another is named.
        """
        parser = _Parser(prog="%compare", add_help=False)
        parser.add_argument("runs", nargs="*")
        parser.add_argument("--reference")

        def compare() -> Any:
            options = _parsed(parser, line)
            return api.compare(*options.runs, reference=options.reference)

        shown = self._guard(compare)
        if shown is not None:
            display(shown)

    @line_magic("export")  # type: ignore[untyped-decorator]
    def export(self, line: str) -> None:
        """Turn a run into a proved pipeline script: ``%export [RUN] --name NAME [--directory D]``.

        The run defaults to the last one; versions go to ``pipelines/NAME/vN``. With ``--environment`` the
        proof runs in a new virtual environment made from the version's requirements.lock.
        """
        parser = _Parser(prog="%export", add_help=False)
        parser.add_argument("run", nargs="?", default="")
        parser.add_argument("--name", required=True)
        parser.add_argument("--directory", default="pipelines")
        parser.add_argument("--environment", action="store_true")

        def run() -> Any:
            from jupyter_mlops.export import export_run

            options = _parsed(parser, line)
            ref = options.run or self._watcher.last_run_id or "last"
            return export_run(
                api.open_default_store(),
                api.resolve(ref),
                options.name,
                Path(options.directory).absolute(),
                environment=options.environment,
                progress=_say,
            )

        version = self._guard(run)
        if version is not None:
            from jupyter_mlops.widgets.verdict import Verdict

            display(Verdict(version))

    @cell_magic("track")  # type: ignore[untyped-decorator]
    def track_cell(self, line: str, cell: str) -> None:
        """Make this cell a run; it must be the first line of the cell.

        ``%%track [NAME] [key=value …] [--note TEXT] [--tag k=v …] [--hypothesis TEXT] [--baseline RUN]``

        ``key=value`` sets a parameter for this run: it replaces the literal in the cell's own
        ``key = literal``, or else is bound before the cell runs. Everything else is captured by
        itself: parameters, metrics, curves, data, models, figures, code and environment.
        """
        # Reached only when the marker is not on the first line, where the input transform sees it.
        for problem in parse_line("track", line).problems:
            self._watcher.say(problem)
        self._watcher.say(UsageError("%%track was not on the first line, so this cell is no run.", USAGE))
        self.shell.run_cell(cell)

    @cell_magic("scratch")  # type: ignore[untyped-decorator]
    def scratch_cell(self, line: str, cell: str) -> None:
        """Run this cell and never record it. It must be the first line of the cell."""
        self.shell.run_cell(cell)

    def _guard(self, action: Any) -> Any:
        self._watcher.own_command()
        try:
            return action()
        except MlopsError as error:
            print(f"jupyter_mlops: {error}")
        except ValueError as error:
            print(f"jupyter_mlops: {error}.")
        return None


def _say(sentence: str) -> None:
    print(sentence, flush=True)


def _options_from(line: str, options: tuple[str, ...]) -> tuple[str, str, str]:
    padded = f" {line}"
    found = [position for option in options if (position := padded.find(option + " ")) >= 0]
    found += [len(padded) - len(option) for option in options if padded.endswith(option)]
    if not found:
        return line, "", ""
    return padded[: min(found)], "", padded[min(found) :]


def _missing(order: str, columns: Iterable[str]) -> bool:
    name = order.rpartition(" ")[0] or order
    return name.startswith("metrics.") and name.replace("`", "") not in columns


def _order(metric: str) -> str:
    from jupyter_mlops.compare.directions import higher_is_better

    words = metric.split()
    if len(words) > 1 or "." in metric:
        return metric
    return f"metrics.`{metric}` {'ASC' if higher_is_better(metric) is False else 'DESC'}"
