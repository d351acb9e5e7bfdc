"""What the side panel costs with many runs, in a real browser: milliseconds.

    python tests/benchmarks/bench_panel.py [--runs 10000]

The list is first painted from a click on its tab, JavaScript included; a filter is answered from the last
key to the filtered list.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path

import pytest

sys.path[:0] = [
    str(Path(__file__).parent),
    str(Path(__file__).parents[1]),
    str(Path(__file__).parents[1] / "ui"),
]

FIRST_PAINT = """async () => {
  const begin = performance.now();
  window.jupyterapp.commands.execute('jupyter-mlops:open-panel');
  while (!document.querySelector('.jp-Mlops-row')) {
    if (performance.now() - begin > 30000) throw new Error('no run was shown in 30 s');
    await new Promise(requestAnimationFrame);
  }
  await new Promise(requestAnimationFrame);
  return performance.now() - begin;
}"""
FILTER = """async text => {
  const box = document.querySelector('input[type=search][aria-label="Filter runs"]');
  const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set;
  const grid = document.querySelector('.jp-Mlops-list');
  const before = grid?.getAttribute('aria-rowcount');
  const begin = performance.now();
  set.call(box, text);
  box.dispatchEvent(new Event('input', { bubbles: true }));
  while (document.querySelector('.jp-Mlops-list')?.getAttribute('aria-rowcount') === before) {
    if (performance.now() - begin > 30000) throw new Error(`no answer to ${text || 'no filter'} in 30 s`);
    await new Promise(requestAnimationFrame);
  }
  return performance.now() - begin;
}"""
SCROLL = """async () => {
  const node = document.querySelector('.jp-Mlops-scroll');
  const frames = [];
  let last = performance.now();
  for (let step = 0; step < 200; step++) {
    node.scrollTop += 400;
    await new Promise(requestAnimationFrame);
    frames.push(performance.now() - last);
    last = performance.now();
  }
  frames.sort((one, other) => one - other);
  return { median: frames[100], worst: frames[199],
           lines: document.querySelectorAll('.jp-Mlops-list [data-index]').length };
}"""


def main() -> None:
    """Measure and print."""
    from generate_runs import fill
    from playwright.sync_api import sync_playwright
    from ui.conftest import BROWSER_OPTIONS, running_server

    from jupyter_mlops.store import open_store

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    options = parser.parse_args()
    places = pytest.TempPathFactory.from_config(pytest.Config.fromdictargs({}, []), _ispytest=True)
    with running_server(places) as server, sync_playwright() as playwright:
        folder = server.root / ".jupyter_mlops"
        folder.mkdir(exist_ok=True)
        store = open_store(f"sqlite:///{folder / 'runs.db'}", str(folder / "artifacts"))
        fill(store, options.runs)
        store.close()
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=BROWSER_OPTIONS)
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.set_default_timeout(120_000)
        page.goto(f"{server.url}lab?token={server.token}")
        page.locator("#jp-main-dock-panel").wait_for()
        page.wait_for_timeout(3000)
        found = {"first paint": round(page.evaluate(FIRST_PAINT))}
        page.wait_for_timeout(3000)
        filters = (
            "metrics.accuracy > 0.9",
            "params.model = 'net'",
            "",
            "forest 1",
            "tags.team = 'team 3'",
            "",
        )
        answers = [page.evaluate(FILTER, text) for text in filters]
        found |= {
            "a filter, median": round(statistics.median(answers)),
            "a filter, slowest": round(max(answers)),
        }
        page.wait_for_timeout(1000)
        found["scrolling, a frame"] = {name: round(value) for name, value in page.evaluate(SCROLL).items()}
        browser.close()
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
