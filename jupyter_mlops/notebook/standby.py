"""When we are switched off or cannot begin: marked cells run all the same, as if they were not marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from IPython.core.magic import Magics, cell_magic, line_magic, magics_class

from .magics import neutralise

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


@magics_class
class StandbyMagics(Magics):  # type: ignore[misc]
    """Our magics' names, which say why nothing is tracked."""

    def __init__(self, shell: InteractiveShell, reason: str) -> None:
        super().__init__(shell)
        self._reason = reason

    @line_magic("track")  # type: ignore[untyped-decorator]
    @line_magic("runs")  # type: ignore[untyped-decorator]
    @line_magic("compare")  # type: ignore[untyped-decorator]
    @line_magic("export")  # type: ignore[untyped-decorator]
    def command(self, line: str) -> None:
        """Say why there is nothing to do."""
        print(self._reason)

    @cell_magic("track")  # type: ignore[untyped-decorator]
    @cell_magic("scratch")  # type: ignore[untyped-decorator]
    def cell(self, line: str, cell: str) -> None:
        """Run the cell."""
        self.shell.run_cell(cell)


def stand_by(shell: InteractiveShell, reason: str) -> None:
    """Say `reason` once, and let cells that begin with a marker run untracked from now on."""
    print(reason)
    if neutralise not in shell.input_transformer_manager.cleanup_transforms:
        shell.input_transformer_manager.cleanup_transforms.append(neutralise)
    shell.register_magics(StandbyMagics(shell, reason))
