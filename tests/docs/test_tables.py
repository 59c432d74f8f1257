"""Tables of the documentation that have to be complete."""

from __future__ import annotations

import re
from typing import get_args

from tests.support.process import ROOT
from wampd.router.settings.http import HttpPath
from wampd.router.settings.listeners import WampPath


def test_every_web_service_of_crossbar_has_a_row_and_what_is_named_instead_exists() -> None:
    section = (ROOT / "docs" / "web.md").read_text(encoding="utf-8").split("## Coming from Crossbar.io")[1]
    rows = [line.split(" | ") for line in section.splitlines() if line.startswith("| ") and "Crossbar.io" not in line]
    there = {kind for left, _ in rows for kind in re.findall(r"`(?:type: )?([a-z]+)[`,]", left)}
    here = {kind for _, right in rows for kind in re.findall(r"type: ([a-z]+)", right)}
    assert there >= {
        *("archive", "caller", "catalog", "cgi", "json", "longpoll", "nodeinfo", "path", "publisher", "redirect"),
        *("resource", "reverseproxy", "schemadoc", "static", "upload", "wap", "webhook", "websocket", "wsgi"),
    }
    assert here
    assert here <= {str(each.__struct_config__.tag) for each in (*get_args(HttpPath), WampPath)}
