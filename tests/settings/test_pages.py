"""What the pages of the documentation show of configurations is accepted as it stands there."""

from __future__ import annotations

import re
from textwrap import dedent
from typing import get_args

import pytest
import yaml

from tests.support.authority import Authority
from tests.support.certificates import make_certificate
from tests.support.process import ROOT
from wampd.router.settings import Settings
from wampd.router.settings.http import HttpPath
from wampd.router.settings.listeners import WampPath

from .conftest import LISTENER, REALM, Configurations

PEOPLE = "- {authid: somebody, role: user, ticket: hunter2}\n"
SHOWN = [
    pytest.param(dedent(text), id=f"{page.relative_to(ROOT)}-{number}")
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    for number, text in enumerate(re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL))
]


def put_files(config: Configurations) -> None:
    """The files that pages name."""
    for made, name in zip(make_certificate(config.directory), ("server.crt", "server.key"), strict=True):
        made.rename(config.directory / name)
    for name in ("shop.crt", "shop.key"):
        (config.directory / name).write_bytes((config.directory / name.replace("shop", "server")).read_bytes())
        (config.directory / name).chmod(0o600)
    for name in ("site/index.html", "site/404.html", "shop/index.html"):
        config.write("<p>", name)
    for name in ("templates/list.html", "templates/person.html", "templates/error.html"):
        config.write("<p>", name)
    (config.directory / "uploads").mkdir()
    config.write("def application(environ, start_response): ...", "store/wsgi.py")
    config.write("class Thing: ...", "mine/web.py")
    Authority(config.directory).certificate.rename(config.directory / "clients.crt")
    config.write("68756e74657232" + "00" * 25, "router.key")


@pytest.mark.parametrize("text", SHOWN)
def test_what_a_page_shows_is_a_configuration_or_a_part_of_one(text: str, config: Configurations) -> None:
    shown = yaml.safe_load(text)
    whole = yaml.safe_load(REALM + LISTENER)
    config.write(PEOPLE, "principals.yaml")
    config.write("", "users.htpasswd")
    if isinstance(shown, list):  # a file of principals
        config.write(text, "principals.yaml")
        methods: dict[str, object] = {"ticket": {}, "cryptosign": {}}
        whole["realms"][0].update(roles=[{"name": "user"}], auth={"files": ["principals.yaml"], **methods})
    elif shown.keys() <= set(Settings.__struct_fields__):
        whole.update(shown)
        if "realms" not in shown:
            whole["realms"][0]["roles"].append({"name": "backend"})  # that of components
    elif "endpoint" in shown or "websocket" in shown:
        whole["listeners"][0].update(shown)
    else:
        roles = [*whole["realms"][0]["roles"], *shown.get("roles", ())]
        whole["realms"][0].update({**shown, "roles": roles})
    (config.directory / "examples" / "hello" / "web").mkdir(parents=True)
    config.write("", "users.htpasswd")
    put_files(config)
    config.load(yaml.safe_dump(whole))


def test_every_web_service_of_crossbar_has_a_row_and_what_is_named_instead_exists() -> None:
    section = (ROOT / "docs" / "web.md").read_text(encoding="utf-8").split("## Coming from Crossbar.io")[1]
    rows = [line.split(" | ") for line in section.splitlines() if line.startswith("| ") and "Crossbar.io" not in line]
    there = {kind for left, _ in rows for kind in re.findall(r"`(?:type: )?([a-z]+)[`,]", left)}
    here = {kind for _, right in rows for kind in re.findall(r"type: ([a-z]+)", right)}
    assert there >= {
        *(
            "archive",
            "caller",
            "catalog",
            "cgi",
            "json",
            "longpoll",
            "nodeinfo",
            "path",
            "publisher",
            "redirect",
            "resource",
        ),
        *("reverseproxy", "schemadoc", "static", "upload", "wap", "webhook", "websocket", "wsgi"),
    }
    assert here
    assert here <= {str(each.__struct_config__.tag) for each in (*get_args(HttpPath), WampPath)}
