"""Outputs are noted in a real kernel, and arrive as if nobody had looked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from kernels import start_kernel

from jupyter_mlops.capture.outputs import OutputWatch, _Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_client.blocking import BlockingKernelClient

WATCH = """
import base64, json
from jupyter_mlops.capture.outputs import OutputWatch
seen = []
def begin(info):
    global watch
    watch = OutputWatch(get_ipython(), text_bytes=1000)
    watch.start()
def end(result):
    seen.append([[o.kind, o.name, o.media_type, base64.b64encode(o.data).decode()] for o in watch.stop()])
get_ipython().events.register("pre_run_cell", begin)
get_ipython().events.register("post_run_cell", end)
"""


@pytest.fixture(scope="module")
def kernel() -> Iterator[BlockingKernelClient]:
    manager, client = start_kernel()
    try:
        run(client, WATCH)
        yield client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def run(client: BlockingKernelClient, code: str) -> list[dict[str, Any]]:
    """The messages a front end gets of `code`."""
    messages: list[dict[str, Any]] = []
    client.execute_interactive(code, output_hook=messages.append, timeout=60)
    return [message for message in messages if message["msg_type"] not in ("status", "execute_input")]


def observe(client: BlockingKernelClient, code: str) -> tuple[list[Any], list[dict[str, Any]]]:
    """What was noted of `code`, and what the front end got."""
    import base64

    got = run(client, code)
    run(client, "answer = seen[-1]")
    told = run(
        client, "import sys; get_ipython().display_pub.publish({'application/json': {'answer': answer}})"
    )
    noted = told[0]["content"]["data"]["application/json"]["answer"]
    return [(kind, name, media, base64.b64decode(data)) for kind, name, media, data in noted], got


def test_text_is_noted_and_arrives(kernel: BlockingKernelClient) -> None:
    noted, got = observe(kernel, "import sys\nprint('out')\nprint('err', file=sys.stderr)\n'result'")
    assert [(kind, name) for kind, name, _, _ in noted] == [("text", "output.txt")]
    assert {"out", "err", "'result'"} == set(noted[0][3].decode().split())
    assert sorted(message["msg_type"] for message in got) == ["execute_result", "stream", "stream"]


def test_text_of_an_earlier_cell_is_not_noted_again(kernel: BlockingKernelClient) -> None:
    observe(kernel, "print('earlier')")
    noted, _ = observe(kernel, "print('later')")
    assert noted[0][3] == b"later\n"


def test_a_silent_cell_has_no_output(kernel: BlockingKernelClient) -> None:
    assert observe(kernel, "x = 1") == ([], [])


def test_long_text_keeps_beginning_and_end(kernel: BlockingKernelClient) -> None:
    noted, got = observe(kernel, "print('first'); print('x' * 100_000); print('last')")
    text = noted[0][3].decode()
    assert text.startswith("first\n")
    assert text.endswith("last\n")
    assert "characters left out" in text
    assert len(text) < 1200
    assert sum(len(message["content"]["text"]) for message in got) == 100_012


def test_figures_are_noted_as_they_were_sent(kernel: BlockingKernelClient) -> None:
    code = (
        "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\nplt.plot([2, 1]);"
    )
    noted, got = observe(kernel, code)
    figures = [entry for entry in noted if entry[0] == "figure"]
    assert [name for _, name, _, _ in figures] == ["figures/figure-1.png", "figures/figure-2.png"]
    assert all(data.startswith(b"\x89PNG") for _, _, _, data in figures)
    assert sum("image/png" in message["content"].get("data", {}) for message in got) == 2


def test_an_updated_display_is_one_figure(kernel: BlockingKernelClient) -> None:
    code = (
        "from IPython.display import display, Image, SVG\nimport base64\n"
        "h = display(SVG('<svg xmlns=\"http://www.w3.org/2000/svg\"><title>one</title></svg>'), display_id=True)\n"
        "h.update(SVG('<svg xmlns=\"http://www.w3.org/2000/svg\"><title>two</title></svg>'))"
    )
    noted, _ = observe(kernel, code)
    assert [name for _, name, _, _ in noted] == ["figures/figure-1.svg"]
    assert b"two" in noted[0][3]


def test_charts_are_kept_as_their_specification(kernel: BlockingKernelClient) -> None:
    spec = {"mark": "bar"}
    code = f"get_ipython().display_pub.publish({{'application/vnd.vegalite.v5+json': {spec!r}}})"
    noted, _ = observe(kernel, code)
    assert (noted[0][1], json.loads(noted[0][3])) == ("figures/figure-1.vl.json", spec)


def test_an_error_leaves_what_was_shown_until_then(kernel: BlockingKernelClient) -> None:
    noted, got = observe(kernel, "print('before')\n1 / 0")
    assert noted[0][3] == b"before\n"
    assert got[-1]["msg_type"] == "error"


def test_cleared_output_is_still_noted(kernel: BlockingKernelClient) -> None:
    noted, got = observe(kernel, "from IPython.display import clear_output\nprint('acc 0.9')\nclear_output()")
    assert noted[0][3] == b"acc 0.9\n"
    assert got[-1]["msg_type"] == "clear_output"


def test_hooks_do_not_pile_up(kernel: BlockingKernelClient) -> None:
    run(kernel, "ip = get_ipython()\nhooks = [len(ip.display_pub._hooks), len(ip.displayhook._hooks)]")
    told = run(kernel, "ip.display_pub.publish({'application/json': hooks})")
    assert told[0]["content"]["data"]["application/json"] == [1, 1]


def test_text_sent_before_the_cell_ends_is_noted(kernel: BlockingKernelClient) -> None:
    noted, _ = observe(kernel, "import sys, time\nprint('sent')\nsys.stdout.flush()\ntime.sleep(0.3)")
    assert noted[0][3] == b"sent\n"


def test_the_hook_in_the_streams_is_one_and_can_be_taken_out(kernel: BlockingKernelClient) -> None:
    ask = (
        "import sys, threading\nfrom jupyter_mlops.capture import outputs\n"
        "def hooks():\n    found, done = [], threading.Event()\n"
        "    sys.stdout.pub_thread.schedule(lambda: (found.append(len(sys.stdout._hooks)), done.set()))\n"
        "    done.wait(10)\n    return found[0]\n"
        "before = hooks(); outputs.leave_streams(); left = hooks()"
    )
    run(kernel, ask)
    told = run(kernel, "ip.display_pub.publish({'application/json': [before, left, hooks()]})")
    assert told[0]["content"]["data"]["application/json"] == [1, 0, 1]
    noted, _ = observe(kernel, "print('again')")
    assert noted[0][3] == b"again\n"


def test_without_a_shell_there_is_nothing_to_note() -> None:
    watch = OutputWatch(None)
    watch.start()
    print("unobserved")
    assert watch.stop() == []


@pytest.mark.parametrize(
    ("pieces", "kept"),
    [
        (["abc"], "abc"),
        (["a" * 5, "b" * 5], "aaaaabbbbb"),
        (["a" * 5, "b" * 6], "aaaaa\n… 1 characters left out …\nbbbbb"),
        (["a", "b"] * 50, "ababa\n… 90 characters left out …\nbabab"),
        (["0%\r", "9%\r", "ok"], "ok"),
    ],
)
def test_text_is_cut_in_the_middle(pieces: list[str], kept: str) -> None:
    text = _Text(10)
    for piece in pieces:
        text.add(piece)
    assert text.value() == kept
