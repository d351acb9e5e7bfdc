"""An Altair chart as a widget that is there at once, however slow the machine that draws it.

anywidget gives a widget two seconds from the begin of its script to its first state, and then shows an
error instead. `altair.JupyterChart` brings its whole plotting library, 900 kB, as that script. Here
the script is a dozen lines, and the library comes after it, once for all charts of a page.
"""

from __future__ import annotations

from functools import cache
from typing import Any

_SCRIPT = """
const KEY = Symbol.for("jupyter_mlops charts");

function load(library) {
  let known = globalThis[KEY];
  if (known?.library !== library) {
    const url = URL.createObjectURL(new Blob([library], { type: "text/javascript" }));
    known = { library, module: import(url).finally(() => URL.revokeObjectURL(url)) };
    globalThis[KEY] = known;
    known.module.catch(() => delete globalThis[KEY]);
  }
  return known.module;
}

async function render({ model, el }) {
  try {
    const { default: charts } = await load(model.get("_library"));
    await charts.render({ model, el });
  } catch (error) {
    el.textContent = `This chart cannot be drawn here: ${error.message}`;
  }
}

export default { render };
"""


def chart_widget(chart: Any) -> Any:
    """`chart`, an Altair chart, as an `altair.JupyterChart` that needs no network."""
    return _chart_class()(chart, embed_options={"actions": False, "renderer": "svg"})


@cache
def _chart_class() -> Any:
    import altair as alt
    import traitlets

    class Whole(alt.JupyterChart):
        """Altair's own, with its library in its script: a class of ours, that the user's stays as it is."""

    Whole.enable_offline()

    class Chart(alt.JupyterChart):
        """Altair's own, with its library beside its script."""

        _esm = _SCRIPT
        _library = traitlets.Unicode(str(Whole._esm)).tag(sync=True)

    return Chart
