"""Where others put a server: below a prefix, under a strict content-security policy, in Notebook 7."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from lab_server import running_server
from seeded import NOTEBOOK, fill

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab_page import LabPage
    from lab_server import Server

pytestmark = pytest.mark.browser
# JupyterLab itself evaluates its settings' schemas and has one inline script, told apart by its hash. The
# second policy, which only reports, forbids both: nothing of ours may be among what it reports.
REST = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self' ws: wss:; worker-src 'self' blob:; base-uri 'self'; form-action 'self'"
)
ENFORCED = f"script-src 'self' 'unsafe-eval' 'sha256-DHk7PmJD5wtdpNjEzpkYISzoAstMGRwG1GNWZ25R2pM='; {REST}"
REPORTED = f"script-src 'self'; {REST}"
LISTEN = """
window.violations = [];
document.addEventListener('securitypolicyviolation', event => {
  window.violations.push([event.sourceFile, event.violatedDirective, event.blockedURI, event.sample]);
});
"""


class TestBelowAPrefixUnderAStrictPolicy:
    @pytest.fixture(scope="class")
    @classmethod
    def server(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
        headers = {"Content-Security-Policy": ENFORCED, "Content-Security-Policy-Report-Only": REPORTED}
        config = tmp_path_factory.mktemp("config") / "policy.json"
        config.write_text(json.dumps({"ServerApp": {"tornado_settings": {"headers": headers}}}))
        with running_server(tmp_path_factory, f"--config={config}", base_url="/user/ada/") as server:
            fill(server.root, 12)
            yield server

    def test_runs_are_listed_compared_and_tabled(self, lab: LabPage) -> None:
        from playwright.sync_api import expect

        lab.page.add_init_script(LISTEN)
        lab.open()
        panel = lab.open_panel()
        expect(panel.row(12)).to_be_visible()
        panel.row(10).press("Enter")
        expect(panel.row(10).get_by_role("img", name="loss from").first).to_be_visible()
        panel.select(10, 12)
        panel.compare_button.click()
        expect(lab.page.get_by_role("region", name="Compare #10, #12")).to_contain_text("accuracy")
        panel.region.get_by_role("button", name="Open all runs as a table").click()
        expect(lab.page.get_by_role("grid", name="All runs")).to_contain_text("forest")
        lab.picture("strict")
        ours = [line for line in lab.page.evaluate("window.violations") if "jupyter-mlops" in str(line[0])]
        assert ours == []


class TestNotebook7:
    @pytest.fixture(scope="class")
    @classmethod
    def server(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
        pytest.importorskip("notebook")
        with running_server(tmp_path_factory, application="notebook") as server:
            fill(server.root, 12)
            yield server

    def test_the_panel_and_the_toggle_are_there(self, lab: LabPage) -> None:
        from playwright.sync_api import expect

        lab.page.goto(f"{lab.url}notebooks/{NOTEBOOK}?token={lab.token}")
        toggle = lab.page.get_by_role("button", name="Track every run")
        expect(toggle).to_be_enabled()
        toggle.click()
        expect(toggle).to_have_attribute("aria-pressed", "true")
        lab.run_command("jupyter-mlops:open-panel")
        region = lab.page.get_by_role("region", name="Experiment runs", exact=True)
        expect(region.get_by_role("row").first).to_contain_text("#12")
        region.get_by_role("checkbox", name="Select run #11", exact=True).check()
        region.get_by_role("row").nth(1).press("g")
        expect(lab.page.locator(".jp-Notebook .jp-Cell.jp-mod-active")).to_contain_text("model.fit(X, y)")
        lab.picture("notebook7")
