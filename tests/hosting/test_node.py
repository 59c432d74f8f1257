"""Guests in Node.js that crash, hang, leak and flood; they join as the page about hosting shows."""

import re

import pytest

from tests.hosting.outside import HANGS, ask, write
from tests.support.needs import unavailable
from tests.support.process import ROOT

AUTOBAHN = ROOT / "examples" / "hello" / "node_modules" / "autobahn"
PAGE = (ROOT / "docs" / "hosting.md").read_text(encoding="utf-8")
((CONNECTION),) = re.findall(r"```js\n(.*?)```", PAGE, re.DOTALL)
REST = """
const kept = [];
const leak = () => { if (kept.length < 64) kept.push(Buffer.alloc(8 << 20, 1)); };
connection.onopen = async (session) => {
  await session.register("com.node.pid", () => process.pid);
  await session.register("com.node.crash", () => process.exit(3));
  await session.register("com.node.block", () => { while (true); });
  await session.register("com.node.leak", () => { setInterval(leak, 5); });
  await session.register("com.node.flood", () => { for (let i = 0; i < 20000; i++) console.log("spam", i); return "said"; });
};
connection.open();
"""
pytestmark = pytest.mark.needs("node")


@pytest.fixture
def node(host, tmp_path):
    """Starts a router with the guest."""
    if not AUTOBAHN.is_dir():
        unavailable("the npm packages of examples/hello are missing; run: tools/setup node")
    write(tmp_path, "guest.js", f"const autobahn = require({str(AUTOBAHN)!r});\n{CONNECTION}{REST}")

    def run(more):
        return host(f"  - {{name: guest, command: [node, guest.js], realm: realm1, role: backend, {more}}}\n")

    return run


def test_one_that_crashes_is_back(node):
    router = node("")
    pid = ask(router, "com.node.pid")
    ask(router, "com.node.crash")
    router.wait_for_log("component guest failed, exit status 3")
    assert ask(router, "com.node.pid") != pid


def test_one_that_blocks_its_loop_is_found_and_is_back(node):
    router = node(HANGS)
    pid = ask(router, "com.node.pid")
    assert ask(router, "com.node.block") == "wamp.error.canceled"
    router.wait_for_log("component guest was ended: it does not answer pings")
    assert ask(router, "com.node.pid") != pid


def test_one_that_leaks_is_ended_and_is_back(node):
    router = node("limits: {memory: 200 MiB}")
    pid = ask(router, "com.node.pid")
    ask(router, "com.node.leak")
    router.wait_for_log("of memory, more than its 200 MiB")
    assert ask(router, "com.node.pid") != pid


def test_one_that_floods_its_output_serves_on_and_costs_so_many_lines(node):
    router = node("")
    pid = ask(router, "com.node.pid")
    assert ask(router, "com.node.flood") == "said"
    assert ask(router, "com.node.pid") == pid
    assert router.log().count("guest: spam") < 20_000
