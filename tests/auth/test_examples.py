"""The examples in the documents do what is said of them."""

from __future__ import annotations

import re

import pytest
import yaml

from tests.support.process import ROOT
from wampd.auth.roles import Role, Rule

KILLS = ["kill", "kill_by_authid", "kill_by_authrole", "kill_all"]


def role_of_the_page(name: str) -> Role:
    """A role of the example in the page about the meta API."""
    page = (ROOT / "docs" / "meta-api.md").read_text()
    example = re.search(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert example is not None
    (role,) = [role for role in yaml.safe_load(example[1])["roles"] if role["name"] == name]
    return Role(
        name,
        [Rule(rule["uri"], rule.get("match", "exact"), frozenset(rule["allow"])) for rule in role["permissions"]],
        privileged=role.get("privileged", False),
    )


@pytest.mark.parametrize(
    ("name", "killing"),
    [("dashboard", []), ("operator", ["kill"]), ("admin", KILLS), ("worker", [])],
)
@pytest.mark.spec("META-S-12")
def test_who_may_kill_is_granted_apart(name: str, killing: list[str]) -> None:
    role = role_of_the_page(name)
    allowed = [kill for kill in KILLS if role.decide("call", f"wamp.session.{kill}").refusal is None]
    assert allowed == killing


@pytest.mark.spec("META-S-12")
def test_who_may_ask_is_granted_apart() -> None:
    for name, may_ask in {"dashboard": True, "operator": True, "admin": True, "worker": False}.items():
        role = role_of_the_page(name)
        assert (role.decide("call", "wamp.session.list").refusal is None) is may_ask
        assert (role.decide("subscribe", "wamp.session.on_join").refusal is None) is may_ask
        assert (role.decide("subscribe", "wamp.session.", "prefix").refusal is None) is may_ask
        assert role.decide("call", "wamp.reflect.define").refusal is None
        assert role.decide("call", "wamp.reflection.topic.list").refusal is None
        assert (role.decide("register", "com.example.p").refusal is None) is (name == "worker")
    dashboard, admin = role_of_the_page("dashboard"), role_of_the_page("admin")
    for changing in ("wamp.registration.remove_callee", "wamp.subscription.remove_subscriber"):
        assert dashboard.decide("call", changing).refusal is not None
        assert admin.decide("call", changing).refusal is None
