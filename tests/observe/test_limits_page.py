"""Every limit that strikes has its name in docs/limits.md, and is told as a metric by that name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.observe.stage import Stage
from tests.support.process import ROOT
from wampd.auth import throttle
from wampd.realms import gate
from wampd.router import tally
from wampd.router.http.bridges import call
from wampd.router.http.streams import events
from wampd.router.observe import logs, striking
from wampd.router.observe.metrics import Metrics
from wampd.router.outgoing import forwarding

PAGE = (ROOT / "docs" / "limits.md").read_text(encoding="utf-8")
CONSTANTS = {
    *(value for name, value in vars(tally).items() if name.isupper() and isinstance(value, str)),
    throttle.REFUSED,
    throttle.STRUCK,
    *gate._STRUCK.values(),
    call.TOO_SLOW,
    events.TOO_SLOW,
    logs.DROPPED,
    logs.SUMMED_UP,
    forwarding.DROPPED,
    forwarding.GIVEN_UP,
}


def struck_in(path: Path) -> Iterator[str]:
    """The names that are written out where something is counted: ``strike("…")``, ``struck["…"]``."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and node.args and _name(node.func) in ("strike", "_strike"):
            named: ast.expr = node.args[0]
        elif isinstance(node, ast.Subscript) and _name(node.value) in ("struck", "_struck"):
            named = node.slice
        else:
            continue
        if isinstance(named, ast.Constant) and isinstance(named.value, str):
            yield named.value


def _name(node: ast.expr) -> str:
    return getattr(node, "attr", None) or getattr(node, "id", "")


NAMES = CONSTANTS | {name for path in (ROOT / "wampd").rglob("*.py") for name in struck_in(path)}


def documented() -> set[str]:
    """What stands in backticks in the third column of the tables."""
    columns = [line.split("|")[3] for line in PAGE.splitlines() if line.startswith("|") and line.count("|") == 5]
    return {name for column in columns for name in re.findall(r"`([^`]+)`", column) if not name.startswith("wampd_")}


def told_by(stage: Stage) -> dict[str, float]:
    """How often each struck, as metrics tell it."""
    metrics = Metrics(stage.watch, ("realm1",), stage.realms.past, lambda: None, "1.2.3")
    stage.later(2.0)
    return {
        sample.labels["what"]: sample.value
        for family in text_string_to_metric_families(metrics.tell("")[1].decode())
        for sample in family.samples
        if sample.name == "wampd_struck_total"
    }


def test_every_name_stands_in_the_page_and_the_page_names_no_others() -> None:
    assert len(NAMES) > 50
    assert documented() == NAMES


def test_every_name_is_told_before_it_strikes_or_nobody_would_see_its_first_step() -> None:
    assert striking.NAMES == NAMES
    assert set(told_by(Stage()).values()) == {0}


def test_every_name_is_told_as_a_metric() -> None:
    stage = Stage()
    for name in NAMES:
        stage.realms.tally.strike(name)
    told = told_by(stage)
    assert set(told) >= NAMES
    assert all(told[name] >= 1 for name in NAMES)
