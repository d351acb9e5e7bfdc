"""JupyterLab as a person meets it: by roles and accessible names, never by our own classes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Locator, Page


# JupyterLab's launcher comes when the server has told of its kernels, and takes the focus from whoever has it.
SETTLED = """() => {
  const launcher = document.querySelector(".jp-Launcher");
  const main = [...(window.jupyterapp?.shell.widgets("main") ?? [])];
  return main.length > 0 && (launcher === null || launcher.contains(document.activeElement));
}"""


DOCUMENTS = "#jp-main-dock-panel .jp-Document"
CLOSE_ALL = """() => {
  for (const widget of [...window.jupyterapp.shell.widgets("main")]) {
    if (widget.node.querySelector(".jp-Launcher") === null) { widget.close(); }
  }
}"""
ALL_CLOSED = """() => {
  const main = [...window.jupyterapp.shell.widgets("main")];
  return main.length === 1 && main[0].node.querySelector(".jp-Launcher") !== null;
}"""


@dataclass(frozen=True)
class LabPage:
    """A window of JupyterLab."""

    page: Page
    url: str
    token: str
    pictures: Path
    test: str

    def open(self, path: str = "") -> None:
        """Open JupyterLab, or a file in it, in a workspace of the test's own."""
        place = f"lab/workspaces/{self.test}" + (f"/tree/{path}" if path else "")
        self.page.goto(f"{self.url}{place}?token={self.token}")
        self.page.locator("#jp-main-dock-panel").wait_for()
        if not path:
            self.page.wait_for_function(SETTLED)

    def find_panel(self) -> RunsPanel:
        """The side panel with nothing filtered, selected or open.

        JupyterLab is loaded only where it is not there yet, or has documents open.
        """
        if not self.page.url.startswith(f"{self.url}lab") or self.page.locator(DOCUMENTS).count():
            self.open()
            return self.open_panel()
        self.page.evaluate(CLOSE_ALL)
        self.page.wait_for_function(ALL_CLOSED)
        panel = self.open_panel()
        panel.reset()
        return panel

    def open_notebook(self, path: str) -> Notebook:
        """Open a notebook and wait until its kernel is idle."""
        self.open(path)
        notebook = Notebook(self.page)
        notebook.wait_until_idle()
        return notebook

    def open_panel(self) -> RunsPanel:
        """Show the side panel *Experiment runs*."""
        region = self.page.get_by_role("region", name="Experiment runs", exact=True)
        if not region.is_visible():
            self.page.get_by_role("tab", name="Experiment runs").click()
        region.wait_for()
        return RunsPanel(self.page, region)

    def tab(self, name: str) -> Locator:
        """A tab of the main area."""
        return self.page.get_by_role("tab", name=name, exact=True)

    def run_command(self, command: str, **arguments: object) -> None:
        """Execute a command without waiting for its end."""
        self.page.evaluate(
            "([command, args]) => { window.jupyterapp.commands.execute(command, args); }",
            [command, arguments],
        )

    def find_barriers(self, selector: str) -> list[str]:
        """What axe finds serious or critical inside `selector`, a line each."""
        from axe_playwright_python.sync_playwright import Axe

        inside = {"include": [[part.strip()] for part in selector.split(",")]}
        return [
            f"{violation['id']}: {node['html'][:200]}"
            for violation in Axe().run(self.page, context=inside).response["violations"]
            if violation["impact"] in ("serious", "critical")
            for node in violation["nodes"]
        ]

    def picture(self, name: str) -> None:
        """Keep a screenshot as ``test-results/ui/<test>-<name>.png``."""
        self.pictures.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=self.pictures / f"{self.test}-{name}.png")


@dataclass(frozen=True)
class Notebook:
    """The open notebook."""

    page: Page

    @property
    def cells(self) -> Locator:
        """Its cells, code and text."""
        return self.page.get_by_role("main").locator(".jp-Notebook .jp-Cell")

    @property
    def track_toggle(self) -> Locator:
        """The toolbar's toggle *Track every run*."""
        return self.page.get_by_role("button", name="Track every run")

    def run_all(self) -> None:
        """Begin to run every cell, from the menu."""
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()

    def run(self, code: str) -> None:
        """Write `code` into the last cell and run it to its end."""
        self.cells.last.locator(".cm-content").click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(code)
        self.page.keyboard.press("Shift+Enter")
        self.wait_until_idle()

    def wait_until_idle(self, seconds: float = 60) -> None:
        """Wait until the kernel has nothing left to do."""
        self.page.wait_for_function(
            """() => {
                const panel = window.jupyterapp.shell.currentWidget;
                const cells = [...document.querySelectorAll('.jp-InputPrompt')];
                return panel?.sessionContext?.session?.kernel?.status === 'idle'
                    && !cells.some(prompt => prompt.textContent.includes('[*]'));
            }""",
            timeout=seconds * 1000,
        )


@dataclass(frozen=True)
class RunsPanel:
    """The side panel *Experiment runs*."""

    page: Page
    region: Locator

    @property
    def rows(self) -> Locator:
        """Its rows, a run each."""
        return self.region.get_by_role("row")

    @property
    def filter_box(self) -> Locator:
        """The search box."""
        return self.region.get_by_role("searchbox", name="Filter runs")

    @property
    def compare_button(self) -> Locator:
        """The button *Compare*."""
        return self.region.get_by_role("button", name="Compare", exact=True)

    @property
    def export_button(self) -> Locator:
        """The button *Export to pipeline*."""
        return self.region.get_by_role("button", name="Export to pipeline")

    @property
    def export_form(self) -> Locator:
        """The export under way: name field, progress, verdict."""
        return self.region.get_by_role("region", name=re.compile("^Export of run"))

    @property
    def pipelines(self) -> Locator:
        """The section *Pipelines*."""
        return self.region.get_by_role("region", name="Pipelines", exact=True)

    def reset(self) -> None:
        """Newest runs first, none filtered, grouped, selected or open."""
        self.filter_box.fill("")
        for choice in ("Group by", "Order by"):
            self.region.get_by_label(choice).select_option("")
        clear = self.region.get_by_role("button", name="Clear")
        if clear.is_visible():
            clear.click()
        grid = self.region.get_by_role("treegrid", name="Runs")
        open_rows = grid.get_by_role("row", expanded=True)
        self.page.wait_for_function(
            "grid => grid.querySelector('[data-group=true]') === null", arg=grid.element_handle()
        )
        for unfolded in grid.get_by_role("button", name=re.compile("child run"), expanded=True).all():
            unfolded.click()
        for row in reversed(open_rows.all()):
            row.press("ArrowLeft")
        grid.evaluate("grid => grid.parentElement.scrollTo(0, 0)")

    def row(self, number: int) -> Locator:
        """The row of run `number`."""
        return self.rows.filter(has=self.checkbox(number))

    def checkbox(self, number: int) -> Locator:
        """The check box that selects run `number`."""
        return self.page.get_by_role("checkbox", name=f"Select run #{number}", exact=True)

    def select(self, *numbers: int) -> None:
        """Select just these runs."""
        clear = self.region.get_by_role("button", name="Clear")
        if clear.is_visible():
            clear.click()
        for number in numbers:
            self.checkbox(number).check()
