r"""What a role may do, and no more: patterns, reserved names, and what is not quite a URI (traps 5, 6 and 9)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests.attack.conftest import settings
from tests.attack.inside import ALL, EVERY_ROLE, OPEN, House
from tests.attack.member import Member
from tests.realms import house as rooms
from wampd.auth.roles import Role, Rule
from wampd.cli.main import main
from wampd.realms.grants import Grants
from wampd.realms.uris import is_uri

DENIED = "wamp.error.not_authorized"
INVALID = "wamp.error.invalid_uri"


def answer(member: Member, message: list[object]) -> str:
    """The error of a request, or ``""``."""
    for reply in member.say(message):
        if reply[0] == 8:
            return str(reply[4])
    return ""


# --- trap 5 ---


@pytest.mark.trap(5)
@pytest.mark.parametrize("request_", ["subscribe", "register"])
@pytest.mark.parametrize(
    ("uri", "match"),
    [
        ("com.example", "prefix"),
        ("com.example", "wildcard"),
        ("com.example.x", "prefix"),
        ("com..x", "wildcard"),
        ("", "prefix"),
    ],
)
def test_a_permission_for_an_exact_uri_allows_no_pattern(request_: str, uri: str, match: str) -> None:
    rules = [Rule("com.example", "exact", ALL), Rule("com.example.x", "exact", ALL)]
    member = Member(House(rules=rules))
    code = 32 if request_ == "subscribe" else 64
    assert answer(member, [code, 1, {"match": match}, uri]) == DENIED
    assert answer(member, [code, 2, {}, "com.example"]) == ""
    assert answer(member, [code, 3, {"match": match}, uri]) == DENIED  # whatever is remembered of the exact one
    assert answer(member, [code, 4, {}, "com.example.x"]) == ""


@pytest.mark.trap(5)
def test_a_pattern_that_reaches_beyond_its_rule_is_refused() -> None:
    member = Member(House(rules=[Rule("com.example.", "prefix", ALL)]))
    for number, (uri, match) in enumerate(
        [("com.", "prefix"), ("com.example", "prefix"), ("com..x", "wildcard"), ("..", "wildcard"), ("c", "prefix")], 1
    ):
        assert answer(member, [32, number, {"match": match}, uri]) == DENIED
    assert answer(member, [32, 8, {"match": "prefix"}, "com.example.a"]) == ""
    assert answer(member, [32, 9, {"match": "wildcard"}, "com.example..x"]) == ""


@pytest.mark.trap(5)
def test_a_pattern_over_something_forbidden_is_refused() -> None:
    member = Member(House(rules=[Rule("com.", "prefix", ALL), Rule("com.secret", "exact", frozenset())]))
    assert answer(member, [32, 1, {}, "com.secret"]) == DENIED
    assert answer(member, [32, 2, {"match": "prefix"}, "com."]) == DENIED
    assert answer(member, [32, 3, {"match": "wildcard"}, "com."]) == DENIED
    assert answer(member, [32, 4, {"match": "prefix"}, "com.s"]) == DENIED
    assert answer(member, [32, 5, {"match": "prefix"}, "com.public"]) == ""


@pytest.mark.trap(5)
def test_what_is_remembered_of_one_action_or_role_decides_no_other() -> None:
    grants = Grants(Role("r", [Rule("com.a", "exact", frozenset({"call"}))]))
    assert grants.call("com.a").refusal is None
    assert grants.publish("com.a").refusal == DENIED
    assert grants.decide("subscribe", "com.a").refusal == DENIED
    assert grants.decide("register", "com.a", "prefix").refusal == DENIED
    assert Grants(Role("other")).call("com.a").refusal == DENIED


# --- trap 6 ---


@pytest.mark.trap(6)
@pytest.mark.parametrize(("uri", "match"), [("", "prefix"), ("w", "prefix"), ("wamp", "prefix"), ("..", "wildcard")])
def test_a_rule_for_everything_grants_no_pattern_over_reserved_names(uri: str, match: str) -> None:
    member = Member(House(rules=[Rule("", "prefix", ALL), Rule("..", "wildcard", ALL)]))
    assert answer(member, [32, 1, {"match": match}, uri]) == DENIED
    assert answer(member, [64, 2, {"match": match}, uri]) in (DENIED, INVALID)


@pytest.mark.trap(6)
@pytest.mark.parametrize("topic", ["wamp.session.on_join", "wampd.anything.at_all"])
def test_a_rule_for_everything_grants_nothing_reserved(topic: str) -> None:
    member = Member(House(rules=[Rule("", "prefix", ALL)]))
    assert answer(member, [32, 1, {}, topic]) == DENIED
    assert answer(member, [48, 2, {}, topic]) == DENIED
    assert answer(member, [64, 3, {}, topic]) in (DENIED, INVALID)
    assert answer(member, [16, 4, {"acknowledge": True}, topic]) in (DENIED, INVALID)


@pytest.mark.trap(6)
@pytest.mark.parametrize(
    ("uri", "match"),
    [("", "prefix"), ("wamp", "prefix"), ("wampd.", "prefix"), ("..", "wildcard"), ("wampd..", "wildcard")],
)
@pytest.mark.parametrize("procedure", ["wamp.session.count", "wamp.session.counted", "wampd.some.thing"])
def test_a_pattern_registration_never_catches_reserved_procedures(uri: str, match: str, procedure: str) -> None:
    house = House(rules=OPEN)
    callee, caller = Member(house), Member(house)
    callee.say([64, 1, {"match": match}, uri])
    served = procedure == "wamp.session.count"
    assert answer(caller, [48, 1, {}, procedure]) == ("" if served else "wamp.error.no_such_procedure")
    assert callee.heard() == []


@pytest.mark.trap(6)
@pytest.mark.parametrize("match", ["prefix", "wildcard"])
def test_a_pattern_catches_news_of_the_realm_only_where_a_rule_names_them(match: str) -> None:
    """Two may subscribe to everything; what is told of sessions reaches the one whose role has a rule for it."""
    uri = "" if match == "prefix" else ".."
    openly = Member(House(rules=OPEN))
    assert answer(openly, [32, 1, {"match": match}, uri]) == ""
    Member(openly.wire.house)
    assert [message[3]["topic"] for message in openly.heard()] == ["wamp.session.on_join", "wampd.audit.joined"]
    plainly = Member(House(rules=[Rule("", "prefix", ALL)]))
    assert answer(plainly, [32, 1, {"match": match}, uri]) == DENIED
    assert answer(plainly, [32, 2, {"match": "prefix"}, "com."]) == ""
    Member(plainly.wire.house)
    assert plainly.heard() == []


@pytest.mark.trap(6)
@pytest.mark.parametrize(
    "procedure", ["kill", "kill_by_authid", "kill_by_authrole", "kill_all", "count", "list", "get"]
)
def test_a_rule_for_everything_reaches_no_procedure_of_the_meta_api(procedure: str) -> None:
    house = House(rules=[Rule("", "prefix", ALL)])
    victim, member = Member(house), Member(house)
    assert answer(member, [48, 1, {}, f"wamp.session.{procedure}", [victim.id]]) == DENIED
    assert victim.heard() == []
    assert not victim.wire.transport.lost


@pytest.mark.trap(6)
@pytest.mark.parametrize(
    "procedure",
    [
        "wamp.session.kill",
        "wamp.session.kill_by_authid",
        "wamp.session.kill_by_authrole",
        "wamp.session.kill_all",
        "wamp.registration.remove_callee",
        "wamp.subscription.remove_subscriber",
    ],
)
def test_a_rule_for_the_meta_api_reaches_nothing_that_changes_what_is_others(procedure: str) -> None:
    house = House(rules=[Rule("", "prefix", ALL), Rule("wamp.", "prefix", ALL), Rule("wamp.session.", "prefix", ALL)])
    victim, member = Member(house), Member(house)
    assert answer(member, [48, 1, {}, "wamp.session.count"]) == ""
    known, unknown = ([48, number, {}, procedure, [target]] for number, target in ((2, victim.id), (3, 1)))
    assert answer(member, known) == answer(member, unknown) == DENIED
    assert victim.heard() == []
    assert not victim.wire.transport.lost


# --- trap 9 ---

NOT_QUITE = (
    "a.b\n",
    "a.b\r",
    "a.b ",
    " a.b",
    "a..b",
    "a.b.",
    ".a",
    "a#b",
    "a.b\t",
    "a\x0bb",
    "a\u2028b",
    "a\x85b",
    "a\u3000b",
    "",
)


@pytest.mark.trap(9)
@pytest.mark.parametrize("uri", NOT_QUITE)
@pytest.mark.parametrize("check", ["loose", "strict"])
def test_it_is_not_a_uri(uri: str, check: str) -> None:
    assert not is_uri(uri, check)  # type: ignore[arg-type]


@pytest.mark.trap(9)
@pytest.mark.parametrize("uri", NOT_QUITE)
def test_a_request_about_it_is_refused(uri: str) -> None:
    house = House()
    member = Member(house)
    for number, code in enumerate((32, 48, 64), 1):
        assert answer(member, [code, number, {}, uri]) == INVALID
    assert answer(member, [16, 4, {"acknowledge": True}, uri]) == INVALID
    assert not member.wire.transport.lost


@pytest.mark.trap(9)
@pytest.mark.parametrize("uri", ["a.b\n", "a.\n", "\n", "a.b ", "a#."])
@pytest.mark.parametrize("match", ["prefix", "wildcard"])
def test_a_pattern_with_it_is_refused(uri: str, match: str) -> None:
    assert answer(Member(House()), [32, 1, {"match": match}, uri]) == INVALID


@pytest.mark.trap(9)
@pytest.mark.parametrize("realm", ["realm1\n", "realm1 ", "", "realm1."])
def test_a_realm_of_that_name_is_not_joined(realm: str) -> None:
    house = House()
    wire = house.connect()
    wire.send(b"\x7f\xf1\0\0")
    ((code, _, reason),) = wire.say([1, realm, {"roles": {"caller": {}}}])
    assert (code, reason) == (3, "wamp.error.invalid_uri")


@pytest.mark.trap(9)
def test_an_error_of_that_name_is_not_passed_on() -> None:
    house = House()
    callee, caller = Member(house), Member(house)
    callee.say([64, 1, {}, "com.a"])
    caller.say([48, 1, {}, "com.a"])
    callee.say([8, 68, 1, {}, "com.error\n"])
    assert [message[4] for message in caller.heard()] == [INVALID]


@pytest.mark.trap(9)
@pytest.mark.parametrize(("key", "uri"), [("permission", "a.b\n"), ("permission", "a..b"), ("realm", "realm1\n")])
def test_a_configuration_with_it_is_refused(
    key: str, uri: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import yaml

    config = settings()
    config["listeners"][0]["endpoint"] = "tcp:8080:interface=127.0.0.1"
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(config))
    assert main(["check", str(path)]) == 0
    if key == "realm":
        config["realms"][0]["name"] = uri
    else:
        config["realms"][0]["roles"][0]["permissions"].append({"uri": uri, "allow": []})
    path.write_text(yaml.safe_dump(config))
    assert main(["check", str(path)]) == 2
    assert "is not a URI" in capsys.readouterr().err


# --- what a refusal tells ---


class Untouchable:
    """Stands where it is known what there is; who looks is caught."""

    def __getattribute__(self, name: str) -> NoReturn:
        raise AssertionError(f"it was looked at {name!r}")


@pytest.mark.spec("AZ-08")
@pytest.mark.parametrize(
    "message",
    [
        [48, 1, {}, "com.secret"],
        [48, 1, {"disclose_me": True}, "com.secret"],
        [48, 1, {"rkey": "a", "runon": "partition"}, "com.secret"],
        [48, 1, {}, "wamp.session.kill", [1]],
        [64, 1, {}, "com.secret"],
        [64, 1, {"match": "prefix", "invoke": "random"}, "com.secret."],
        [64, 1, {"force_reregister": True}, "com.secret"],
        [32, 1, {}, "com.secret"],
        [32, 1, {"match": "wildcard", "get_retained": True}, "com..secret"],
        [16, 1, {"acknowledge": True}, "com.secret"],
        [16, 1, {"acknowledge": True, "retain": True, "exclude": [1]}, "com.secret"],
    ],
    ids=str,
)
def test_a_denied_request_ends_before_it_is_looked_whether_anything_is_there(message: list[object]) -> None:
    """So not even the time that it takes tells."""
    house = rooms.House(policy=Role("nobody"))
    member = house.join()
    realm: Any = house.realm
    for match in ("exact", "prefix", "wildcard"):
        setattr(realm.dealer.registrations, match, Untouchable())
        setattr(realm.broker.subscriptions, match, Untouchable())
    realm.dealer.services.procedures = realm.broker.retained = Untouchable()
    member.say(message)
    assert [heard[4] for heard in member.heard()] == [DENIED]


def test_a_refusal_does_not_tell_what_exists() -> None:
    house = House(rules=[Rule("com.open.", "prefix", ALL)])
    owner = house.connect()
    owner.send(b"\x7f\xf1\0\0")
    owner.say(
        [1, "realm1", {"roles": EVERY_ROLE, "authmethods": ["ticket"], "authid": "joe"}], [5, "joe's hunter2", {}]
    )
    assert owner.say([64, 1, {}, "com.secret.there"])[0][0] == 65
    stranger = Member(house)
    known, unknown = stranger.say([48, 1, {}, "com.secret.there"]), stranger.say([48, 2, {}, "com.secret.nowhere"])
    assert known[0][3:] == unknown[0][3:]
    assert known[0][4] == DENIED
    assert (
        stranger.say([64, 3, {}, "com.secret.there"])[0][3:] == stranger.say([64, 4, {}, "com.secret.nowhere"])[0][3:]
    )
